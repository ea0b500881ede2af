import type { AdapterError } from '@runbeat/adapter-sdk';
import type { RunbeatApiError } from '@runbeat/client';
import type { RunnerError } from '@runbeat/runner';
import type { ServerError } from '@runbeat/server';

/**
 * The errors of the other packages, by the registered symbols that mark them in every copy. Asking the packages themselves
 * would load each of them, for every command, and would hide the error of one that cannot be loaded.
 */
const isMarked = (error: unknown, mark: string): boolean =>
  typeof error === 'object' && error !== null && Symbol.for(`runbeat.${mark}`) in error;

export const isAdapterError = (error: unknown): error is AdapterError => isMarked(error, 'adapter-error');
export const isRunbeatApiError = (error: unknown): error is RunbeatApiError => isMarked(error, 'api-error');
export const isRunnerError = (error: unknown): error is RunnerError => isMarked(error, 'runner-error');
export const isServerError = (error: unknown): error is ServerError => isMarked(error, 'server-error');
