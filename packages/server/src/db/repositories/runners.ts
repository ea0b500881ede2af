import type { Json } from '@runbeat/adapter-sdk';
import { and, asc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { type CompanyId, createId, type RunnerId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { type RunnerAdminStatus, runnerSessions, runners } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export interface Runner {
  readonly id: RunnerId;
  readonly companyId: CompanyId | null;
  readonly label: string;
  readonly tokenHash: string;
  readonly adminStatus: RunnerAdminStatus;
  readonly adapters: Json;
  readonly slots: number;
  readonly version: string | null;
  readonly sessionId: string | null;
  readonly lastSeenAt: Date | null;
  readonly leaseExpiresAt: Date | null;
  readonly clientReport: Json;
  readonly clientReportAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface RunnerSession {
  readonly id: string;
  readonly runnerId: RunnerId;
  readonly clientInstanceId: string;
  readonly clientBootId: string;
  readonly serverIncarnation: string;
  readonly cursor: number;
  readonly startedAt: Date;
  readonly lastPollAt: Date | null;
  readonly lastHeartbeatAt: Date | null;
  readonly supersededAt: Date | null;
  readonly endedAt: Date | null;
}

export async function insertRunner(
  executor: Executor,
  input: Pick<Runner, 'companyId' | 'label' | 'tokenHash' | 'adapters' | 'slots' | 'version'>,
  now: Date,
): Promise<Runner> {
  const [runner] = await executor
    .insert(runners)
    .values({ ...input, id: createId<RunnerId>(now), adminStatus: 'enabled', createdAt: now, updatedAt: now })
    .returning();
  return runner as Runner;
}

export async function getRunner(executor: Executor, id: RunnerId): Promise<Runner | null> {
  const [runner] = await executor.select().from(runners).where(eq(runners.id, id));
  return runner ?? null;
}

/** `tokenHash`: SHA-256 of the runner's token in lower-case hex. */
export async function findRunnerByTokenHash(executor: Executor, tokenHash: string): Promise<Runner | null> {
  const [runner] = await executor.select().from(runners).where(eq(runners.tokenHash, tokenHash));
  return runner ?? null;
}

/** Oldest first. With a company: its own runners and those that serve every company. */
export async function listRunners(executor: Executor, companyId: CompanyId | null, query: PageQuery): Promise<Page<Runner>> {
  const rows = await executor
    .select()
    .from(runners)
    .where(
      and(
        companyId === null ? undefined : or(eq(runners.companyId, companyId), isNull(runners.companyId)),
        query.cursor === null ? undefined : gt(runners.id, query.cursor as RunnerId),
      ),
    )
    .orderBy(asc(runners.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (runner) => runner.id);
}

/** Enabled runners with this label that the company may use and whose lease is good, for placement. */
export async function findRunnersByLabel(
  executor: Executor,
  query: { readonly companyId: CompanyId; readonly label: string; readonly now: Date },
): Promise<readonly Runner[]> {
  return executor
    .select()
    .from(runners)
    .where(
      and(
        eq(runners.label, query.label),
        eq(runners.adminStatus, 'enabled'),
        gt(runners.leaseExpiresAt, query.now),
        or(eq(runners.companyId, query.companyId), isNull(runners.companyId)),
      ),
    )
    .orderBy(asc(runners.id))
    .limit(200);
}

export async function patchRunner(
  executor: Executor,
  id: RunnerId,
  patch: Partial<Pick<Runner, 'label' | 'adminStatus' | 'adapters' | 'slots' | 'version' | 'tokenHash'>>,
  now: Date,
): Promise<Runner | null> {
  const [runner] = await executor
    .update(runners)
    .set({ ...patch, updatedAt: now })
    .where(eq(runners.id, id))
    .returning();
  return runner ?? null;
}

export async function deleteRunner(executor: Executor, id: RunnerId): Promise<boolean> {
  const result = await executor.delete(runners).where(eq(runners.id, id));
  return result.rowCount === 1;
}

/**
 * Opens a session and fences the one before: afterwards only the new id may write. Call it inside a transaction together
 * with the verdicts on the reported jobs. Null when there is no such runner.
 */
export async function openRunnerSession(
  executor: Executor,
  input: Pick<RunnerSession, 'runnerId' | 'clientInstanceId' | 'clientBootId' | 'serverIncarnation'>,
  lease: { readonly now: Date; readonly leaseMs: number },
): Promise<RunnerSession | null> {
  const { now, leaseMs } = lease;
  const id = createId<string>(now);
  const [runner] = await executor
    .update(runners)
    .set({ sessionId: id, lastSeenAt: now, leaseExpiresAt: new Date(now.getTime() + leaseMs), updatedAt: now })
    .where(eq(runners.id, input.runnerId))
    .returning({ id: runners.id });
  if (runner === undefined) return null;
  await executor
    .update(runnerSessions)
    .set({ supersededAt: now })
    .where(and(eq(runnerSessions.runnerId, input.runnerId), isNull(runnerSessions.supersededAt), isNull(runnerSessions.endedAt)));
  const [session] = await executor
    .insert(runnerSessions)
    .values({ ...input, id, cursor: 0, startedAt: now })
    .returning();
  return session ?? null;
}

export async function getRunnerSession(executor: Executor, id: string): Promise<RunnerSession | null> {
  const [session] = await executor.select().from(runnerSessions).where(eq(runnerSessions.id, id));
  return session ?? null;
}

/** Notes a poll; `stale` when the session was superseded or has ended. `cursor` is the one given in the answer. */
export async function noteRunnerPoll(
  executor: Executor,
  sessionId: string,
  poll: { readonly cursor: number; readonly now: Date },
): Promise<'moved' | 'stale'> {
  const result = await executor
    .update(runnerSessions)
    .set({ cursor: poll.cursor, lastPollAt: poll.now })
    .where(and(eq(runnerSessions.id, sessionId), isNull(runnerSessions.supersededAt), isNull(runnerSessions.endedAt)));
  return result.rowCount === 1 ? 'moved' : 'stale';
}

/** Renews the runner's lease and keeps its report; `stale` unless `sessionId` is still the runner's one session. */
export async function noteRunnerHeartbeat(
  executor: Executor,
  beat: {
    readonly runnerId: RunnerId;
    readonly sessionId: string;
    readonly clientReport: Json;
    readonly now: Date;
    readonly leaseMs: number;
  },
): Promise<'moved' | 'stale'> {
  const { now } = beat;
  const leaseExpiresAt = new Date(now.getTime() + beat.leaseMs);
  const result = await executor
    .update(runners)
    .set({ lastSeenAt: now, leaseExpiresAt, clientReport: beat.clientReport, clientReportAt: now })
    .where(and(eq(runners.id, beat.runnerId), eq(runners.sessionId, beat.sessionId)));
  if (result.rowCount !== 1) return 'stale';
  await executor.update(runnerSessions).set({ lastHeartbeatAt: now }).where(eq(runnerSessions.id, beat.sessionId));
  return 'moved';
}

/** An orderly goodbye: the lease ends now. */
export async function endRunnerSession(executor: Executor, sessionId: string, now: Date): Promise<void> {
  await executor.update(runnerSessions).set({ endedAt: now }).where(eq(runnerSessions.id, sessionId));
  await executor.update(runners).set({ leaseExpiresAt: now, updatedAt: now }).where(eq(runners.sessionId, sessionId));
}

/** Removes at most 1,000 superseded or ended sessions that started before `before`. */
export async function pruneRunnerSessions(executor: Executor, before: Date): Promise<number> {
  const result = await executor.execute(sql`
    DELETE FROM ${runnerSessions} WHERE ${runnerSessions.id} IN (
      SELECT ${runnerSessions.id} FROM ${runnerSessions}
      WHERE ${runnerSessions.startedAt} < ${before.toISOString()}::timestamptz
        AND (${runnerSessions.supersededAt} IS NOT NULL OR ${runnerSessions.endedAt} IS NOT NULL)
      LIMIT 1000)`);
  return result.rowCount ?? 0;
}
