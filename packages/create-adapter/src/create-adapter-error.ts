import type { CreateAdapterErrorCode } from './error-codes.js';

/** A mistake of the person who called us. The message says how to mend it. */
export interface CreateAdapterError extends Error {
  readonly code: CreateAdapterErrorCode;
}

const codes = new WeakMap<object, CreateAdapterErrorCode>();

export function createAdapterError(code: CreateAdapterErrorCode, message: string, cause?: unknown): CreateAdapterError {
  const error = Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
  codes.set(error, code);
  return error;
}

export function isCreateAdapterError(value: unknown): value is CreateAdapterError {
  return typeof value === 'object' && value !== null && codes.has(value);
}
