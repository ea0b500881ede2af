import { type AdapterV1, checkAdapter, isAdapterError } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';
import { type AdapterLifter, isAdapterLifter, type LiftContext } from './adapter-lifter.js';

export interface ModuleToLoad {
  /** URLs of modules to look at, in order; the first that holds an adapter is taken. */
  readonly candidates: readonly string[];
  /** Handed to `createAdapter(options)`; absent options call it without any. */
  readonly options: unknown;
  /** URLs of modules that export an `adapterLifter`. */
  readonly lifters: readonly string[];
}

/** Import a module and take the adapter out of it. Runs in the worker, or in the host for `in-process` adapters. */
export async function adapterFromModule(source: ModuleToLoad): Promise<AdapterV1> {
  const lifters = await Promise.all(source.lifters.map(importLifter));
  const seen: string[] = [];
  const siblings: ModuleNamespace[] = [];
  for (const url of source.candidates) {
    const namespace = await importModule(url);
    const found = await findAdapter(namespace, lifters, { options: source.options, siblings });
    if (found !== null) return checked(found, url);
    siblings.push(...exportsOf(namespace));
    seen.push(`${url} exports ${Object.keys(namespace).sort().join(', ') || 'nothing'}`);
  }
  throw hostError(
    'adapter_not_found',
    `No adapter in the module: ${seen.join('; ')}. Export what defineAdapter() returns as default, or a function createAdapter().`,
  );
}

async function findAdapter(
  namespace: ModuleNamespace,
  lifters: readonly AdapterLifter[],
  context: LiftContext,
): Promise<unknown> {
  const { options } = context;
  for (const exported of exportsOf(namespace)) {
    const createAdapter = exported['createAdapter'];
    if (isFunction(createAdapter)) return await (options === undefined ? createAdapter() : createAdapter(options));
    const candidate = exported['default'];
    if (isRecord(candidate) && 'specVersion' in candidate) return candidate;
  }
  for (const exported of exportsOf(namespace)) {
    const lifter = lifters.find((one) => one.canLift(exported));
    if (lifter) return await lifter.lift(exported, context);
  }
  return null;
}

/** The namespace, and below it what a CommonJS module or a bundler has put into `default`. */
function exportsOf(namespace: ModuleNamespace): ModuleNamespace[] {
  const inner = namespace['default'];
  return isRecord(inner) ? [namespace, inner] : [namespace];
}

async function importModule(url: string): Promise<ModuleNamespace> {
  try {
    return (await import(url)) as ModuleNamespace;
  } catch (cause) {
    if (isAdapterError(cause)) throw cause;
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw hostError('adapter_load_failed', `The adapter's module ${url} failed to load: ${reason}`, { cause });
  }
}

async function importLifter(url: string): Promise<AdapterLifter> {
  const { adapterLifter } = await importModule(url);
  if (isAdapterLifter(adapterLifter)) return adapterLifter;
  throw hostError('adapter_load_failed', `${url} exports no adapterLifter { canLift, lift }. Name a module that does.`);
}

function checked(value: unknown, url: string): AdapterV1 {
  const check = checkAdapter(value);
  if (check.ok) return check.adapter;
  const isIncompatible = check.problems.some((problem) => problem.code === 'adapter_incompatible');
  const problems = check.problems.map((problem) => problem.message).join(' ');
  throw hostError(
    isIncompatible ? 'adapter_incompatible' : 'adapter_invalid',
    `${url} holds no adapter that runs here. ${problems}`,
  );
}

type ModuleNamespace = Readonly<Record<string, unknown>>;

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

function isRecord(value: unknown): value is ModuleNamespace {
  return typeof value === 'object' && value !== null;
}
