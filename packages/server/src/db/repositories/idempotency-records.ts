import type { Json } from '@runbeat/adapter-sdk';
import { and, eq, inArray, lt } from 'drizzle-orm';
import { ServerError } from '../../server-error.js';
import type { IdempotencyKey, KeptAnswer } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { idempotencyRecords } from '../schema/index.js';

/** The answer that was kept under the key; null = none was, or it was too long ago. */
export async function findKeptAnswer(executor: Executor, key: IdempotencyKey): Promise<KeptAnswer | null> {
  const [answer] = await executor.select().from(idempotencyRecords).where(keyIs(key));
  return answer ?? null;
}

/**
 * Called in the transaction that creates what the answer tells of, as its last write: two that use one key at once meet
 * here, the later one waits for the commit of the other. Rejects with `idempotency_in_progress` when the key is taken.
 */
export async function keepAnswer(executor: Executor, answer: KeptAnswer, now: Date): Promise<void> {
  const { rowCount } = await executor
    .insert(idempotencyRecords)
    .values({ ...answer, createdAt: now })
    .onConflictDoNothing();
  if (rowCount !== 0) return;
  throw new ServerError('idempotency_in_progress', 'Another request with this Idempotency-Key was quicker; send this one again.');
}

/** Replaces the body of a kept answer by what the caller was told in the end. */
export async function replaceKeptBody(executor: Executor, key: IdempotencyKey, body: Json): Promise<void> {
  await executor.update(idempotencyRecords).set({ body }).where(keyIs(key));
}

/** Removes at most `limit` answers kept before `before`; returns how many. */
export async function pruneKeptAnswers(executor: Executor, before: Date, limit = 1_000): Promise<number> {
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

function keyIs({ scope, key }: IdempotencyKey) {
  return and(eq(idempotencyRecords.scope, scope), eq(idempotencyRecords.key, key));
}
