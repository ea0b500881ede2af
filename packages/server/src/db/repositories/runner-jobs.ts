import type { Json } from '@runbeat/adapter-sdk';
import { and, asc, eq, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { CompanyId, RunId, RunnerId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { type RunnerJobState, runnerJobs } from '../schema/index.js';

export type { RunnerJobState } from '../schema/index.js';

export interface RunnerJob {
  readonly runId: RunId;
  readonly companyId: CompanyId;
  readonly runnerId: RunnerId;
  readonly leaseEpoch: number;
  readonly sessionId: string | null;
  readonly state: RunnerJobState;
  readonly offer: Json;
  readonly handle: Json;
  readonly leaseExpiresAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelReason: string | null;
  readonly logEnd: number;
  readonly result: Json;
  readonly resultLogBytes: number | null;
  readonly resultSha256: string | null;
  readonly finishKey: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Who may write: absent members are not compared. */
export interface RunnerJobGuard {
  readonly runId: RunId;
  readonly leaseEpoch: number;
  readonly runnerId?: RunnerId;
  /** Null = only while no session holds it. */
  readonly sessionId?: string | null;
  readonly from?: readonly RunnerJobState[];
  /** Refused unless exactly this much log is stored: two writers of one range cannot both win. */
  readonly logEnd?: number;
}

export type RunnerJobPatch = Partial<
  Pick<
    RunnerJob,
    | 'state'
    | 'sessionId'
    | 'handle'
    | 'leaseExpiresAt'
    | 'cancelRequestedAt'
    | 'cancelReason'
    | 'logEnd'
    | 'result'
    | 'resultLogBytes'
    | 'resultSha256'
    | 'finishKey'
  >
>;

const activeStates = sql`${runnerJobs.state} IN ('offered', 'leased', 'running', 'finishing')`;

export async function getRunnerJob(executor: Executor, runId: RunId): Promise<RunnerJob | null> {
  const [job] = await executor.select().from(runnerJobs).where(eq(runnerJobs.runId, runId));
  return job ?? null;
}

/** Reads and locks the row until the end of the transaction. */
export async function lockRunnerJob(executor: Executor, runId: RunId): Promise<RunnerJob | null> {
  const [job] = await executor.select().from(runnerJobs).where(eq(runnerJobs.runId, runId)).for('update');
  return job ?? null;
}

/**
 * Offers a run to a runner: a new row, or the old one taken over with a higher epoch. `stale` when a row with this epoch
 * or a higher one exists.
 */
export async function offerRunnerJob(
  executor: Executor,
  offer: Pick<RunnerJob, 'runId' | 'companyId' | 'runnerId' | 'leaseEpoch' | 'offer' | 'leaseExpiresAt'>,
  now: Date,
): Promise<'moved' | 'stale'> {
  const fresh = {
    ...offer,
    sessionId: null,
    state: 'offered' as const,
    handle: null,
    cancelRequestedAt: null,
    cancelReason: null,
    logEnd: 0,
    result: null,
    resultLogBytes: null,
    resultSha256: null,
    finishKey: null,
    updatedAt: now,
  };
  const stored = await executor
    .insert(runnerJobs)
    .values({ ...fresh, createdAt: now })
    .onConflictDoUpdate({
      target: runnerJobs.runId,
      set: fresh,
      setWhere: sql`${runnerJobs.leaseEpoch} < excluded.lease_epoch`,
    })
    .returning({ runId: runnerJobs.runId });
  return stored.length === 1 ? 'moved' : 'stale';
}

/** Compare-and-set on epoch, session, state and log end; the row as it is afterwards, or null when it had moved on. */
export async function moveRunnerJob(
  executor: Executor,
  guard: RunnerJobGuard,
  patch: RunnerJobPatch,
  now: Date,
): Promise<RunnerJob | null> {
  const conditions: (SQL | undefined)[] = [
    eq(runnerJobs.runId, guard.runId),
    eq(runnerJobs.leaseEpoch, guard.leaseEpoch),
    guard.runnerId === undefined ? undefined : eq(runnerJobs.runnerId, guard.runnerId),
    guard.sessionId === undefined
      ? undefined
      : guard.sessionId === null
        ? isNull(runnerJobs.sessionId)
        : eq(runnerJobs.sessionId, guard.sessionId),
    guard.from === undefined ? undefined : inArray(runnerJobs.state, [...guard.from]),
    guard.logEnd === undefined ? undefined : eq(runnerJobs.logEnd, guard.logEnd),
  ];
  const [job] = await executor
    .update(runnerJobs)
    .set({ ...patch, updatedAt: now })
    .where(and(...conditions))
    .returning();
  return job ?? null;
}

/** Jobs of the runner that have not ended, in order of run id. At most 1,000: a runner has tens of slots. */
export async function listActiveRunnerJobs(executor: Executor, runnerId: RunnerId): Promise<readonly RunnerJob[]> {
  return executor
    .select()
    .from(runnerJobs)
    .where(and(eq(runnerJobs.runnerId, runnerId), activeStates))
    .orderBy(asc(runnerJobs.runId))
    .limit(1_000);
}

/** Renews the leases of all jobs that the session holds, in one statement; returns them as they are then. */
export async function renewRunnerLeases(
  executor: Executor,
  lease: { readonly runnerId: RunnerId; readonly sessionId: string; readonly leaseExpiresAt: Date; readonly now: Date },
): Promise<readonly RunnerJob[]> {
  return executor
    .update(runnerJobs)
    .set({ leaseExpiresAt: lease.leaseExpiresAt, updatedAt: lease.now })
    .where(and(eq(runnerJobs.runnerId, lease.runnerId), eq(runnerJobs.sessionId, lease.sessionId), activeStates))
    .returning();
}

/** Hands the jobs of a runner over to its new session (with the epoch unchanged), for those that it reported. */
export async function adoptRunnerJobs(
  executor: Executor,
  adoption: {
    readonly runnerId: RunnerId;
    readonly sessionId: string;
    readonly jobs: readonly { readonly runId: RunId; readonly leaseEpoch: number }[];
    readonly leaseExpiresAt: Date;
    readonly now: Date;
  },
): Promise<readonly RunnerJob[]> {
  const adopted: RunnerJob[] = [];
  for (const job of adoption.jobs) {
    const moved = await moveRunnerJob(
      executor,
      { ...job, runnerId: adoption.runnerId, from: ['leased', 'running', 'finishing'] },
      { sessionId: adoption.sessionId, leaseExpiresAt: adoption.leaseExpiresAt },
      adoption.now,
    );
    if (moved !== null) adopted.push(moved);
  }
  return adopted;
}

/** Marks a cancel; the runner is told with every poll and heartbeat until the job ends. */
export async function requestRunnerJobCancel(
  executor: Executor,
  runId: RunId,
  reason: string | null,
  now: Date,
): Promise<RunnerJob | null> {
  const [job] = await executor
    .update(runnerJobs)
    .set({
      cancelRequestedAt: sql`coalesce(${runnerJobs.cancelRequestedAt}, ${now.toISOString()}::timestamptz)`,
      cancelReason: reason,
      updatedAt: now,
    })
    .where(and(eq(runnerJobs.runId, runId), activeStates))
    .returning();
  return job ?? null;
}

/** Jobs whose lease ended before `before`, longest expired first. */
export async function listExpiredRunnerJobs(
  executor: Executor,
  query: { readonly before: Date; readonly limit: number },
): Promise<readonly RunnerJob[]> {
  return executor
    .select()
    .from(runnerJobs)
    .where(and(lt(runnerJobs.leaseExpiresAt, query.before), activeStates))
    .orderBy(asc(runnerJobs.leaseExpiresAt))
    .limit(Math.max(1, Math.min(1_000, query.limit)));
}

/** Runs that occupy slots of each runner. */
export async function countActiveRunnerJobs(executor: Executor): Promise<ReadonlyMap<RunnerId, number>> {
  const rows = await executor
    .select({ runnerId: runnerJobs.runnerId, count: sql<number>`count(*)`.mapWith(Number) })
    .from(runnerJobs)
    .where(activeStates)
    .groupBy(runnerJobs.runnerId);
  return new Map(rows.map((row) => [row.runnerId, row.count]));
}

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
