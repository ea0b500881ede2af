import { ServerError } from '../server-error.js';
import type { LogRunKey } from '../supervisor/ports/index.js';

export function logFenced(run: LogRunKey, ownerEpoch: number): ServerError {
  return new ServerError(
    'log_fenced',
    `The log of run ${run.runId} is written by a newer owner than epoch ${ownerEpoch}. Stop writing; nothing is to be mended.`,
  );
}

export function logOffsetInvalid(run: LogRunKey, offset: number): ServerError {
  return new ServerError(
    'log_offset_invalid',
    `Offset ${offset} does not lie between two records of the log of run ${run.runId}. Use 0 or the nextOffset of a page.`,
  );
}

export function logStoreUnavailable(run: LogRunKey, what: string, cause: unknown): ServerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ServerError(
    'log_store_unavailable',
    `The log of run ${run.runId} could not be ${what} (${reason}). The run goes on and it is tried again; look at the log store.`,
    { cause },
  );
}

export function logStoreFull(run: LogRunKey, cause: unknown): ServerError {
  return new ServerError(
    'log_store_full',
    `The log of run ${run.runId} could not be written: no space is left (${(cause as Error).message}). The run waits and it is tried again; free some space.`,
    { cause },
  );
}

/** Full disks and quotas apart from everything else, since the remedy differs. */
export function writeFailure(run: LogRunKey, cause: unknown): ServerError {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? logStoreFull(run, cause) : logStoreUnavailable(run, 'written', cause);
}
