/** A bug in the program that threw it, never an outcome and never the user's fault. Code `internal_error`. */
export class InternalError extends Error {
  readonly code = 'internal_error' as const;

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'InternalError';
  }
}

/** Ends a `switch` over a union: does not compile while a member is unhandled, throws when a value comes from outside. */
export function assertNever(value: never, what = 'value'): never {
  throw new InternalError(`Unhandled ${what}: ${JSON.stringify(value)}`);
}
