import type { Json } from '@runbeat/adapter-sdk';
import { and, eq, inArray, isNull, lt } from 'drizzle-orm';
import type { Executor } from '../executor.js';
import { idempotencyRecords } from '../schema/index.js';

export type IdempotencyClaim =
  /** Nobody used the key; the caller does the work and then calls `completeIdempotency` or `releaseIdempotency`. */
  | { readonly outcome: 'claimed' }
  /** The first call is still at work, or its server died in it. */
  | { readonly outcome: 'in_progress'; readonly requestHash: string; readonly since: Date }
  | { readonly outcome: 'completed'; readonly requestHash: string; readonly status: number; readonly body: Json };

export async function claimIdempotency(
  executor: Executor,
  record: { readonly scope: string; readonly key: string; readonly requestHash: string },
  now: Date,
): Promise<IdempotencyClaim> {
  const inserted = await executor
    .insert(idempotencyRecords)
    .values({ ...record, createdAt: now })
    .onConflictDoNothing()
    .returning({ key: idempotencyRecords.key });
  if (inserted.length > 0) return { outcome: 'claimed' };
  const [existing] = await executor.select().from(idempotencyRecords).where(recordIs(record));
  // Released between the two statements: the next try of the client claims it.
  if (existing === undefined) return { outcome: 'in_progress', requestHash: record.requestHash, since: now };
  if (existing.status === null) return { outcome: 'in_progress', requestHash: existing.requestHash, since: existing.createdAt };
  return { outcome: 'completed', requestHash: existing.requestHash, status: existing.status, body: existing.body };
}

export async function completeIdempotency(
  executor: Executor,
  record: { readonly scope: string; readonly key: string },
  answer: { readonly status: number; readonly body: Json },
): Promise<void> {
  await executor.update(idempotencyRecords).set(answer).where(recordIs(record));
}

/** Forgets a claim whose work failed, so that a retry may do it. */
export async function releaseIdempotency(
  executor: Executor,
  record: { readonly scope: string; readonly key: string },
): Promise<void> {
  await executor.delete(idempotencyRecords).where(and(recordIs(record), isNull(idempotencyRecords.status)));
}

/** Removes at most `limit` records made before `before`; returns how many. */
export async function pruneIdempotency(executor: Executor, before: Date, limit = 1_000): Promise<number> {
  const old = executor
    .select({ key: idempotencyRecords.key })
    .from(idempotencyRecords)
    .where(lt(idempotencyRecords.createdAt, before))
    .limit(limit);
  const removed = await executor
    .delete(idempotencyRecords)
    .where(and(lt(idempotencyRecords.createdAt, before), inArray(idempotencyRecords.key, old)));
  return removed.rowCount ?? 0;
}

function recordIs(record: { readonly scope: string; readonly key: string }) {
  return and(eq(idempotencyRecords.scope, record.scope), eq(idempotencyRecords.key, record.key));
}
