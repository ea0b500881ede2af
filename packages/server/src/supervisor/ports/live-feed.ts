import type { CompanyId, RunId } from '../model/index.js';
import type { LogRecord } from './log-store.js';

/** Told by the supervisor after the fact, to wake whoever delivers live. None of these may throw or wait. */
export interface LiveFeed {
  /** Rows were committed to the outbox of this company. */
  eventsCommitted(companyId: CompanyId): void;
  /** Records were stored. Only called for runs for which `hasLogReaders` is true, so that silent runs cost nothing. */
  logAppended(runId: RunId, records: readonly LogRecord[]): void;
  hasLogReaders(runId: RunId): boolean;
  /** No record will follow. */
  logCompleted(runId: RunId): void;
}
