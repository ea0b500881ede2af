import type { Json } from '@runbeat/adapter-sdk';
import type { ServerErrorCode } from './error-codes.js';

const serverErrorSymbol: unique symbol = Symbol.for('runbeat.server-error');

/** An expected failure of the server: a code from `serverErrorCodes` and a message that says what to do. */
export class ServerError extends Error {
  readonly [serverErrorSymbol] = true;
  readonly code: ServerErrorCode;
  /** The wrong fields of an input; empty when the failure is none of an input's. */
  readonly fields: readonly { readonly field: string; readonly message: string }[];

  /** Facts for a program: ids, limits, the holder of a lock; null when there are none. */
  readonly evidence: Json;

  constructor(
    code: ServerErrorCode,
    message: string,
    options?: {
      readonly cause?: unknown;
      readonly evidence?: Json;
      readonly fields?: readonly { readonly field: string; readonly message: string }[];
    },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServerError';
    this.code = code;
    this.fields = options?.fields ?? [];
    this.evidence = options?.evidence ?? null;
  }
}

/** Recognises a `ServerError` of any copy of this package. */
export function isServerError(error: unknown): error is ServerError {
  return typeof error === 'object' && error !== null && serverErrorSymbol in error;
}
