import { isServerError } from '../../server-error.js';
import type { LogRunKey } from '../../supervisor/ports/index.js';
import { logStoreFull, logStoreUnavailable } from '../log-store-errors.js';

/** What services answer when a quota is used up. */
const fullNames = new Set(['InsufficientStorage', 'QuotaExceeded', 'XMinioStorageFull', 'EntityTooLarge']);

export function bucketFailure(run: LogRunKey, what: string, error: unknown): unknown {
  if (isServerError(error)) return error;
  const { name, $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } };
  if (fullNames.has(name ?? '') || $metadata?.httpStatusCode === 507) return logStoreFull(run, error);
  return logStoreUnavailable(run, what, error);
}
