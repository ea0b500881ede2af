import type { Json } from '@runbeat/adapter-sdk';
import { and, asc, eq, gt, lte } from 'drizzle-orm';
import type { CompanyId, SessionId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { sessionJournal } from '../schema/index.js';

export interface SessionJournalEntry {
  readonly sessionId: SessionId;
  readonly seq: number;
  readonly companyId: CompanyId;
  readonly at: Date;
  readonly kind: string;
  readonly workerId: string | null;
  readonly promptId: string | null;
  readonly data: Json;
}

/** Eight parameters a row, and PostgreSQL takes 65,535 in one statement: short words of a talkative worker exceed it. */
const ROWS_PER_INSERT = 4_000;

/** Appends entries that their session's single writer numbered; the caller holds the session's row in this transaction. */
export async function appendSessionJournal(executor: Executor, entries: readonly SessionJournalEntry[]): Promise<void> {
  const inserts: Promise<unknown>[] = [];
  // All on their way at once: a caller that does not wait for the answer may commit behind them.
  for (let from = 0; from < entries.length; from += ROWS_PER_INSERT) {
    inserts.push(
      executor
        .insert(sessionJournal)
        .values(entries.slice(from, from + ROWS_PER_INSERT))
        .execute(),
    );
  }
  await Promise.all(inserts);
}

/** From behind `afterSeq` up to and with `untilSeq` (the head recorded at attach), at most `limit` ≤ 1,000. */
export async function readSessionJournal(
  executor: Executor,
  sessionId: SessionId,
  query: { readonly afterSeq: number; readonly untilSeq?: number | undefined; readonly limit: number },
): Promise<readonly SessionJournalEntry[]> {
  return executor
    .select()
    .from(sessionJournal)
    .where(
      and(
        eq(sessionJournal.sessionId, sessionId),
        gt(sessionJournal.seq, query.afterSeq),
        query.untilSeq === undefined ? undefined : lte(sessionJournal.seq, query.untilSeq),
      ),
    )
    .orderBy(asc(sessionJournal.seq))
    .limit(Math.max(1, Math.min(1_000, query.limit)));
}
