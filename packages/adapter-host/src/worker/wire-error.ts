import { AdapterError, isAdapterError, type Json } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { isJson, jsonValue } from '../contract/json-value.js';

/** An error as it crosses the border of a worker: classes and symbols do not survive there. */
export const wireError = z.object({
  name: z.string(),
  message: z.string(),
  stack: z.string().nullable(),
  /** Set for an `AdapterError`, which is made again on the other side. */
  adapterError: z
    .object({ code: z.string(), retryable: z.boolean(), retryNotBefore: z.string().nullable(), detail: jsonValue })
    .nullable(),
});

export type WireError = z.infer<typeof wireError>;

export function wireErrorFrom(error: unknown): WireError {
  if (isAdapterError(error)) {
    const { code, retryable, retryNotBefore } = error;
    // Another copy of the SDK may be an older one that lacks a member.
    const detail: Json = isJson(error.detail) ? error.detail : null;
    const adapterError = { code, retryable: retryable === true, retryNotBefore: retryNotBefore ?? null, detail };
    return { name: 'AdapterError', message: String(error.message), stack: stackOf(error), adapterError };
  }
  if (error instanceof Error) {
    return { name: String(error.name), message: String(error.message), stack: stackOf(error), adapterError: null };
  }
  return { name: 'Error', message: describeThrown(error), stack: null, adapterError: null };
}

export function errorFromWire(wire: WireError): Error {
  if (wire.adapterError) {
    const { code, retryable, retryNotBefore, detail } = wire.adapterError;
    const options = { retryable, detail, ...(retryNotBefore === null ? {} : { retryNotBefore }) };
    return withStack(new AdapterError(code, wire.message, options), wire.stack);
  }
  // Not one of ours: an adapter's bug, told as the adapter threw it. The supervisor records it as `adapter_error`.
  const error = new Error(wire.message);
  error.name = wire.name;
  return withStack(error, wire.stack);
}

function withStack<T extends Error>(error: T, stack: string | null): T {
  if (stack !== null) error.stack = stack;
  return error;
}

function stackOf(error: Error): string | null {
  return typeof error.stack === 'string' ? error.stack : null;
}

function describeThrown(value: unknown): string {
  try {
    return `the adapter threw a value that is no error: ${String(value)}`;
  } catch {
    return 'the adapter threw a value that is no error and cannot be shown';
  }
}
