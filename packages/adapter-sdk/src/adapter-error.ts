import type { Json } from './v1/json.js';
import type { RunFailureV1 } from './v1/run-result-v1.js';

/**
 * Registered, so that it is the same symbol in every copy of this package: a host and an adapter installed in folders
 * of their own each have one, and `instanceof` would say no.
 */
const adapterErrorMark = Symbol.for('runbeat.adapter-error');

export interface AdapterErrorOptions {
  /** Whether trying the same again later may help. Default false. */
  readonly retryable?: boolean;
  /** ISO time before which a retry is pointless; absent = none is known. */
  readonly retryNotBefore?: string;
  /** Facts for a program: status code, ids. No secret. */
  readonly detail?: Json;
  /** What went wrong underneath. */
  readonly cause?: unknown;
}

/**
 * An expected failure with a code: thrown by adapters and by the SDK, read by hosts through `isAdapterError`.
 * The message says what was tried, with which ids, and how to mend it.
 */
export class AdapterError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryNotBefore: string | null;
  readonly detail: Json;

  constructor(code: string, message: string, options: AdapterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AdapterError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryNotBefore = options.retryNotBefore ?? null;
    this.detail = options.detail ?? null;
    Object.defineProperty(this, adapterErrorMark, { value: true });
  }
}

/** True for an `AdapterError` of this or of any other copy of the SDK. */
export function isAdapterError(value: unknown): value is AdapterError {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<PropertyKey, unknown>;
  return candidate[adapterErrorMark] === true && typeof candidate['code'] === 'string';
}

/**
 * The failure to put into a `failed` result. An `AdapterError` keeps its code; anything else is an adapter's bug and
 * becomes `adapter_error`, not retryable.
 */
export function failureFromError(error: unknown): RunFailureV1 {
  if (!isAdapterError(error)) {
    return { code: 'adapter_error', message: error instanceof Error ? error.message : String(error), retryable: false };
  }
  // Another copy of the SDK may be older and lack a member.
  const { code, message, retryable, retryNotBefore, detail } = error as Pick<AdapterError, 'code' | 'message'> &
    Partial<AdapterError>;
  return {
    code,
    message,
    retryable: retryable === true,
    ...(typeof retryNotBefore === 'string' ? { retryNotBefore } : {}),
    ...(detail === undefined || detail === null ? {} : { detail }),
  };
}
