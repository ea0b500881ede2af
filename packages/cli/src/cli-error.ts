import type { CliErrorCode } from './error-codes.js';
import { exitCodes } from './exit-codes.js';

const cliErrorSymbol: unique symbol = Symbol.for('runbeat.cli-error');

/** A failure that the user can mend: code, what to do, and the exit code of the command. */
export class CliError extends Error {
  readonly [cliErrorSymbol] = true;
  readonly code: CliErrorCode;
  readonly exitCode: number;

  constructor(code: CliErrorCode, message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.code = code;
    this.exitCode = options.exitCode ?? exitCodes.failure;
  }
}

/** Recognises a `CliError` of any copy of this package. */
export function isCliError(error: unknown): error is CliError {
  return typeof error === 'object' && error !== null && cliErrorSymbol in error;
}
