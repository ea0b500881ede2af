import { AdapterError } from '@runbeat/adapter-sdk';
import type { AdapterPaperclipErrorCode } from './error-codes.js';

/** What is read of a module's answers and options; the rest is tolerated and ignored. */
type Members = Readonly<Record<string, unknown>>;

export interface PaperclipSessionCodec {
  deserialize(raw: unknown): unknown;
  serialize(params: unknown): unknown;
  getDisplayId?: (params: unknown) => unknown;
}

/** A Paperclip server adapter as it is published: only `execute` is sure to be there. */
export interface PaperclipServerAdapter {
  readonly type: string;
  execute(context: Members): unknown;
  readonly testEnvironment: ((context: Members) => unknown) | null;
  readonly sessionCodec: PaperclipSessionCodec | null;
  readonly getConfigSchema: (() => unknown) | null;
  /** Says of itself that its work goes on when the host dies. */
  readonly hasOutOfProcessLiveness: boolean;
}

/**
 * Whether a module's exports look like a Paperclip adapter: `createServerAdapter()`, or the older shape of `./server`
 * (`execute` with `testEnvironment` or `sessionCodec`). An `adapter-v1` object has a `specVersion` and is none.
 */
export function isPaperclipModule(module: unknown): boolean {
  if (!isMembers(module) || 'specVersion' in module) return false;
  if (typeof module['createServerAdapter'] === 'function') return true;
  return (
    typeof module['execute'] === 'function' &&
    (typeof module['testEnvironment'] === 'function' || isMembers(module['sessionCodec']))
  );
}

/**
 * The server adapter in a module's exports.
 * @param siblings other modules of the same package; the older shape keeps its `type` in the main one.
 * @throws AdapterError `paperclip_module_invalid` when `type` or `execute` is missing.
 */
export async function serverAdapterFromModule(module: unknown, siblings: readonly unknown[]): Promise<PaperclipServerAdapter> {
  if (!isMembers(module)) throw invalid('it exports nothing');
  const create = module['createServerAdapter'];
  const made: unknown = typeof create === 'function' ? await (create as () => unknown)() : module;
  if (!isMembers(made)) throw invalid('createServerAdapter() returned no object');
  const execute = made['execute'];
  if (typeof execute !== 'function') throw invalid('it has no function execute');
  const type = [made, module, ...siblings].map((one) => (isMembers(one) ? one['type'] : null)).find(isText);
  if (type === undefined) throw invalid('neither it nor the main module of its package says its type');
  const codec = made['sessionCodec'];
  return {
    type,
    // Called as methods: a module may be a class instance that needs its `this`.
    execute: (context) => Reflect.apply(execute, made, [context]) as unknown,
    testEnvironment: method(made, 'testEnvironment'),
    sessionCodec: isSessionCodec(codec) ? codec : null,
    getConfigSchema: method(made, 'getConfigSchema'),
    hasOutOfProcessLiveness: made['hasOutOfProcessLiveness'] === true,
  };
}

function method(owner: Members, name: string): ((...args: unknown[]) => unknown) | null {
  const value = owner[name];
  return typeof value === 'function' ? (...args) => Reflect.apply(value, owner, args) as unknown : null;
}

function isSessionCodec(value: unknown): value is PaperclipSessionCodec {
  return isMembers(value) && typeof value['serialize'] === 'function' && typeof value['deserialize'] === 'function';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(what: string): AdapterError {
  return paperclipError('paperclip_module_invalid', `This is no Paperclip adapter that can be lifted: ${what}.`);
}

export function paperclipError(code: AdapterPaperclipErrorCode, message: string, cause?: unknown): AdapterError {
  return new AdapterError(code, message, cause === undefined ? {} : { cause });
}
