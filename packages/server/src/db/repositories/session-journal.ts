import type { Json } from '@runbeat/adapter-sdk';
import { and, asc, eq, gt, lte } from 'drizzle-orm';
import type { CompanyId, SessionId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { interactiveSessions, sessionJournal } from '../schema/index.js';

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

export type NewSessionJournalEntry = Pick<SessionJournalEntry, 'at' | 'kind' | 'workerId' | 'promptId' | 'data'>;

/**
 * Appends entries in one insert and moves the session's head, both or neither: call it inside a transaction. The single
 * writer passes the head that it knows; `stale` when that is not the head, or when the epoch is no longer its own.
 */
export async function appendSessionJournal(
  executor: Executor,
  guard: { readonly id: SessionId; readonly companyId: CompanyId; readonly ownerEpoch: number; readonly headSeq: number },
  entries: readonly NewSessionJournalEntry[],
  options: { readonly now: Date; readonly outputCursor?: string | null },
): Promise<'moved' | 'stale'> {
  if (entries.length === 0) return 'moved';
  const result = await executor
    .update(interactiveSessions)
    .set({
      headSeq: guard.headSeq + entries.length,
      updatedAt: options.now,
      ...(options.outputCursor === undefined ? {} : { outputCursor: options.outputCursor }),
    })
    .where(
      and(
        eq(interactiveSessions.id, guard.id),
        eq(interactiveSessions.ownerEpoch, guard.ownerEpoch),
        eq(interactiveSessions.headSeq, guard.headSeq),
      ),
    );
  if (result.rowCount !== 1) return 'stale';
  await executor.insert(sessionJournal).values(
    entries.map((entry, index) => ({
      ...entry,
      sessionId: guard.id,
      companyId: guard.companyId,
      seq: guard.headSeq + index + 1,
    })),
  );
  return 'moved';
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
