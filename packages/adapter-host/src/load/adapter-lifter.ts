import type { AdapterV1 } from '@runbeat/adapter-sdk';

export interface LiftContext {
  /** What `createAdapter(options)` would have been given. */
  readonly options: unknown;
  /** Namespaces of the same package that were looked at before and hold no adapter; facts may stand there (its type). */
  readonly siblings: readonly unknown[];
}

/**
 * Makes an `adapter-v1` of modules that were written for another host. A lifter is a module of its own, named by path,
 * that exports `adapterLifter`; it is loaded where the adapter is loaded (in the worker), never in the host.
 */
export interface AdapterLifter {
  /** Whether this module namespace is of the kind that the lifter knows. Must not throw. */
  canLift(module: unknown): boolean;
  lift(module: unknown, context: LiftContext): AdapterV1 | Promise<AdapterV1>;
}

export function isAdapterLifter(value: unknown): value is AdapterLifter {
  if (typeof value !== 'object' || value === null) return false;
  const { canLift, lift } = value as Partial<Record<keyof AdapterLifter, unknown>>;
  return typeof canLift === 'function' && typeof lift === 'function';
}
