import { and, inArray, lt, sql } from 'drizzle-orm';
import type { Executor } from '../executor.js';
import { runnerJobs } from '../schema/index.js';

/** Removes at most 1,000 ended jobs that were last written before `before`. */
export async function pruneRunnerJobs(executor: Executor, before: Date): Promise<number> {
  const old = executor
    .select({ runId: runnerJobs.runId })
    .from(runnerJobs)
    .where(and(sql`${runnerJobs.state} IN ('done', 'fenced', 'lost')`, lt(runnerJobs.updatedAt, before)))
    .limit(1_000);
  const result = await executor.delete(runnerJobs).where(inArray(runnerJobs.runId, old));
  return result.rowCount ?? 0;
}
