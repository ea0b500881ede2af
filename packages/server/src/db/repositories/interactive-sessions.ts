import type { Json } from '@runbeat/adapter-sdk';
import { and, desc, eq, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { AgentId, CompanyId, InstanceId, RunId, SessionId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { interactiveSessions } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export interface InteractiveSession {
  readonly id: SessionId;
  readonly companyId: CompanyId;
  readonly agentId: AgentId;
  readonly adapterType: string;
  readonly runId: RunId | null;
  readonly taskKey: string | null;
  readonly state: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly headSeq: number;
  readonly workerId: string | null;
  readonly ownerInstanceId: InstanceId | null;
  readonly ownerEpoch: number;
  readonly handle: Json;
  readonly outputCursor: string | null;
  readonly adapterSession: Json;
  readonly statusSeq: number;
  readonly openRequests: Json;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

export type InteractiveSessionPatch = Partial<
  Pick<
    InteractiveSession,
    | 'runId'
    | 'headSeq'
    | 'state'
    | 'reason'
    | 'detail'
    | 'workerId'
    | 'handle'
    | 'outputCursor'
    | 'adapterSession'
    | 'statusSeq'
    | 'openRequests'
    | 'endedAt'
  >
>;

export async function insertInteractiveSession(
  executor: Executor,
  session: Omit<InteractiveSession, 'headSeq' | 'updatedAt' | 'endedAt'>,
): Promise<void> {
  await executor.insert(interactiveSessions).values({ ...session, headSeq: 0, updatedAt: session.createdAt });
}

export async function getInteractiveSession(executor: Executor, id: SessionId): Promise<InteractiveSession | null> {
  const [session] = await executor.select().from(interactiveSessions).where(eq(interactiveSessions.id, id));
  return session ?? null;
}

/** The handle of a worker: null when its end is stored, undefined when no session has this worker now. */
export async function findSessionWorkerHandle(executor: Executor, workerId: string): Promise<Json | undefined> {
  const [session] = await executor
    .select({ handle: interactiveSessions.handle })
    .from(interactiveSessions)
    .where(eq(interactiveSessions.workerId, workerId));
  return session === undefined ? undefined : session.handle;
}

/** Newest first. */
export async function listInteractiveSessions(
  executor: Executor,
  filter: { readonly companyId: CompanyId; readonly agentId?: AgentId | undefined; readonly isOpen?: boolean | undefined },
  query: PageQuery,
): Promise<Page<InteractiveSession>> {
  const rows = await executor
    .select()
    .from(interactiveSessions)
    .where(
      and(
        eq(interactiveSessions.companyId, filter.companyId),
        filter.agentId === undefined ? undefined : eq(interactiveSessions.agentId, filter.agentId),
        filter.isOpen === true ? isNull(interactiveSessions.endedAt) : undefined,
        query.cursor === null ? undefined : lt(interactiveSessions.id, query.cursor as SessionId),
      ),
    )
    .orderBy(desc(interactiveSessions.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (session) => session.id);
}

/** Compare-and-set on the owner's epoch. */
export async function patchInteractiveSession(
  executor: Executor,
  guard: { readonly id: SessionId; readonly ownerEpoch: number },
  patch: InteractiveSessionPatch,
  now: Date,
): Promise<'moved' | 'stale'> {
  const result = await executor
    .update(interactiveSessions)
    .set({ ...patch, updatedAt: now })
    .where(and(eq(interactiveSessions.id, guard.id), eq(interactiveSessions.ownerEpoch, guard.ownerEpoch)));
  return result.rowCount === 1 ? 'moved' : 'stale';
}

/** It is open, or was deleted and its worker was still being ended when its server died. */
const hasSomethingToOwn = or(isNull(interactiveSessions.endedAt), isNotNull(interactiveSessions.handle));

/** Takes a session over: epoch + 1, if it still has the epoch that the caller saw. Null when somebody else was first. */
export async function adoptInteractiveSession(
  executor: Executor,
  guard: { readonly id: SessionId; readonly ownerEpoch: number },
  ownerInstanceId: InstanceId,
  now: Date,
): Promise<InteractiveSession | null> {
  const [session] = await executor
    .update(interactiveSessions)
    .set({ ownerInstanceId, ownerEpoch: guard.ownerEpoch + 1, updatedAt: now })
    .where(and(eq(interactiveSessions.id, guard.id), eq(interactiveSessions.ownerEpoch, guard.ownerEpoch), hasSomethingToOwn))
    .returning();
  return session ?? null;
}

/** Sessions whose owner is not among the instances with a good lease; the caller adopts them. */
export async function listOrphanedSessions(executor: Executor, now: Date, limit: number): Promise<readonly InteractiveSession[]> {
  return executor
    .select()
    .from(interactiveSessions)
    .where(
      and(
        hasSomethingToOwn,
        or(
          isNull(interactiveSessions.ownerInstanceId),
          sql`NOT EXISTS (SELECT 1 FROM server_instances i WHERE i.id = ${interactiveSessions.ownerInstanceId}
            AND i.ended_at IS NULL AND i.lease_expires_at > ${now.toISOString()}::timestamptz)`,
        ),
      ),
    )
    .limit(Math.max(1, Math.min(1_000, limit)));
}
