import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import { type Agent, type AgentId, type AgentRuntimeState, type CompanyId, createId } from '../../supervisor/model/index.js';
import type { Database } from '../database.js';
import type { Executor } from '../executor.js';
import { agentRuntimeState, agents, agentWakeupRequests, heartbeatRuns } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

const agentColumns = {
  id: agents.id,
  companyId: agents.companyId,
  name: agents.name,
  role: agents.role,
  status: agents.status,
  statusReason: agents.statusReason,
  adapterType: agents.adapterType,
  adapterConfig: agents.adapterConfig,
  runtimeConfig: agents.runtimeConfig,
  createdAt: agents.createdAt,
  updatedAt: agents.updatedAt,
};

export type NewAgent = Pick<Agent, 'companyId' | 'name' | 'role' | 'adapterType' | 'adapterConfig' | 'runtimeConfig'>;
export type AgentPatch = Partial<
  Pick<Agent, 'name' | 'role' | 'status' | 'statusReason' | 'adapterType' | 'adapterConfig' | 'runtimeConfig'>
>;

/** Null for an agent that never was or was deleted. */
export async function getAgent(executor: Executor, id: AgentId): Promise<Agent | null> {
  const [agent] = await executor
    .select(agentColumns)
    .from(agents)
    .where(and(eq(agents.id, id), isNull(agents.deletedAt)));
  return agent ?? null;
}

/** Oldest first. */
export async function listAgents(executor: Executor, companyId: CompanyId, query: PageQuery): Promise<Page<Agent>> {
  const rows = await executor
    .select(agentColumns)
    .from(agents)
    .where(
      and(
        eq(agents.companyId, companyId),
        isNull(agents.deletedAt),
        query.cursor === null ? undefined : gt(agents.id, query.cursor as AgentId),
      ),
    )
    .orderBy(asc(agents.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (agent) => agent.id);
}

export async function createAgent(executor: Executor, input: NewAgent, now: Date): Promise<Agent> {
  const agent: Agent = {
    ...input,
    id: createId<AgentId>(now),
    status: 'active',
    statusReason: null,
    createdAt: now,
    updatedAt: now,
  };
  await executor.insert(agents).values(agent);
  return agent;
}

/** The agent as it is afterwards; null when there is none. */
export async function patchAgent(executor: Executor, id: AgentId, patch: AgentPatch, now: Date): Promise<Agent | null> {
  const [agent] = await executor
    .update(agents)
    .set({ ...patch, updatedAt: now })
    .where(and(eq(agents.id, id), isNull(agents.deletedAt)))
    .returning(agentColumns);
  return agent ?? null;
}

/**
 * Deletes an agent unless one of its runs is queued or running. Its waiting wakes are cancelled; finished runs stay to be
 * read. Admissions lock the agent's row, so none can slip in.
 */
export async function deleteAgent(
  database: Database,
  id: AgentId,
  now: Date,
): Promise<
  { readonly outcome: 'deleted' | 'not_found' } | { readonly outcome: 'active_runs'; readonly runIds: readonly string[] }
> {
  return database.transaction(async (executor) => {
    const locked = await executor
      .select({ id: agents.id })
      .from(agents)
      .where(and(eq(agents.id, id), isNull(agents.deletedAt)))
      .for('no key update');
    if (locked.length === 0) return { outcome: 'not_found' };
    const active = await executor
      .select({ id: heartbeatRuns.id })
      .from(heartbeatRuns)
      .where(and(eq(heartbeatRuns.agentId, id), sql`${heartbeatRuns.status} IN ('queued', 'running')`))
      .limit(20);
    if (active.length > 0) return { outcome: 'active_runs', runIds: active.map((run) => run.id) };
    await executor.update(agents).set({ deletedAt: now, updatedAt: now }).where(eq(agents.id, id));
    await executor
      .update(agentWakeupRequests)
      .set({ status: 'cancelled', statusReason: 'the agent was deleted', updatedAt: now })
      .where(and(eq(agentWakeupRequests.agentId, id), inArray(agentWakeupRequests.status, ['queued', 'deferred'])));
    return { outcome: 'deleted' };
  });
}

/** Null when the agent never ran and was never due. */
export async function getAgentRuntimeState(executor: Executor, id: AgentId): Promise<AgentRuntimeState | null> {
  const [state] = await executor.select().from(agentRuntimeState).where(eq(agentRuntimeState.agentId, id));
  return state ?? null;
}

/** Queued and running runs per agent, from which the derived status `idle` or `running` follows. At most one page of ids. */
export async function countActiveRuns(
  executor: Executor,
  agentIds: readonly AgentId[],
): Promise<ReadonlyMap<AgentId, { readonly queued: number; readonly running: number }>> {
  if (agentIds.length === 0) return new Map();
  const rows = await executor
    .select({
      agentId: heartbeatRuns.agentId,
      queued: sql<number>`count(*) FILTER (WHERE ${heartbeatRuns.status} = 'queued')`.mapWith(Number),
      running: sql<number>`count(*) FILTER (WHERE ${heartbeatRuns.status} = 'running')`.mapWith(Number),
    })
    .from(heartbeatRuns)
    .where(and(inArray(heartbeatRuns.agentId, [...agentIds]), sql`${heartbeatRuns.status} IN ('queued', 'running')`))
    .groupBy(heartbeatRuns.agentId);
  return new Map(rows.map((row) => [row.agentId, { queued: row.queued, running: row.running }]));
}
