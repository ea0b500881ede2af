import type { RunnerErrorCode } from './error-codes.js';

const runnerErrorSymbol: unique symbol = Symbol.for('runbeat.runner-error');

/** An expected failure of the runner: a code and a message that says what to do. */
export interface RunnerError extends Error {
  readonly code: RunnerErrorCode;
}

export function runnerError(code: RunnerErrorCode, message: string, options?: { readonly cause?: unknown }): RunnerError {
  const error = new Error(message, options) as Error & { code: RunnerErrorCode };
  error.name = 'RunnerError';
  error.code = code;
  Object.defineProperty(error, runnerErrorSymbol, { value: true });
  return error;
}

/** Recognises an error of any copy of this package. */
export function isRunnerError(error: unknown): error is RunnerError {
  return typeof error === 'object' && error !== null && runnerErrorSymbol in error;
}
