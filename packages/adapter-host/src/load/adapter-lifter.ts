import type { AdapterV1 } from '@runbeat/adapter-sdk';

/**
 * Makes an `adapter-v1` of modules that were written for another host. A lifter is a module of its own, named by path,
 * that exports `adapterLifter`; it is loaded where the adapter is loaded (in the worker), never in the host.
 */
export interface AdapterLifter {
  /** Whether this module namespace is of the kind that the lifter knows. Must not throw. */
  canLift(module: unknown): boolean;
  lift(module: unknown, options: unknown): AdapterV1;
}

export function isAdapterLifter(value: unknown): value is AdapterLifter {
  if (typeof value !== 'object' || value === null) return false;
  const { canLift, lift } = value as Partial<Record<keyof AdapterLifter, unknown>>;
  return typeof canLift === 'function' && typeof lift === 'function';
}
