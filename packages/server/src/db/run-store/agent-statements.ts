import type { Json } from '@runbeat/adapter-sdk';
import type { Agent, AgentId, AgentRuntimeState, CompanyId } from '../../supervisor/model/index.js';
import type { RunStoreTransaction } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { textParameter, uuidParameter } from '../parameters.js';
import { agentRuntimeState, agentSessions, agents } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';
import { namedStatements } from './named-statements.js';

const agentCodec = tableCodec(agents, ['deletedAt']);
const stateCodec = tableCodec(agentRuntimeState);
const sessionCodec = tableCodec(agentSessions);

const columns = agentCodec.columnList();
const getStatement = { name: 'agent_get', text: `SELECT ${columns} FROM agents WHERE id = $1 AND deleted_at IS NULL` };
const lockStatement = { name: 'agent_lock', text: `${getStatement.text} FOR NO KEY UPDATE` };
const byNameStatement = {
  name: 'agent_by_name',
  text: `SELECT ${columns} FROM agents
    WHERE company_id = $1 AND deleted_at IS NULL AND lower(name) = ANY(SELECT lower(n) FROM unnest($2::text[]) n)
    ORDER BY id LIMIT 100`,
};
const dueStatement = {
  name: 'agent_due_for_timer',
  text: `SELECT ${agentCodec.columnList('a')} FROM agents a LEFT JOIN agent_runtime_state s ON s.agent_id = a.id
    WHERE a.deleted_at IS NULL AND a.status = 'active' AND a.runtime_config -> 'heartbeat' ->> 'enabled' = 'true'
      AND (s.next_timer_wake_at IS NULL OR s.next_timer_wake_at <= $1)
    ORDER BY s.next_timer_wake_at NULLS FIRST, a.id LIMIT $2`,
};
const getStateStatement = {
  name: 'agent_state_get',
  text: `SELECT ${stateCodec.columnList()} FROM agent_runtime_state WHERE agent_id = $1`,
};
const getSessionStatement = {
  name: 'agent_session_get',
  text: `SELECT value FROM agent_sessions WHERE agent_id = $1 AND adapter_type = $2 AND task_key = $3`,
};
const putSessionStatement = {
  name: 'agent_session_put',
  text: `INSERT INTO agent_sessions (${sessionCodec.columnList()}) VALUES (${placeholders(sessionCodec.keys.length)})
    ON CONFLICT (agent_id, adapter_type, task_key)
    DO UPDATE SET value = excluded.value, run_id = excluded.run_id, updated_at = excluded.updated_at`,
};

export async function getAgent(executor: Executor, id: AgentId): Promise<Agent | null> {
  const { rows } = await runStatement(executor, getStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : agentCodec.rowFrom(rows[0]);
}

export async function lockAgent(executor: Executor, id: AgentId): Promise<Agent | null> {
  const { rows } = await runStatement(executor, lockStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : agentCodec.rowFrom(rows[0]);
}

const patchStatements = namedStatements('agent_patch');

export async function patchAgent(
  executor: Executor,
  id: AgentId,
  patch: Partial<Pick<Agent, 'status' | 'statusReason'>>,
  now: Date,
): Promise<void> {
  const keys = (['status', 'statusReason'] as const).filter((key) => patch[key] !== undefined);
  const statement = patchStatements(keys.join(), () => {
    const sets = ['updated_at = $2', ...keys.map((key, index) => `${agentCodec.columnName(key)} = $${index + 3}`)];
    return `UPDATE agents SET ${sets.join(', ')} WHERE id = $1`;
  });
  await runStatement(executor, statement, [
    uuidParameter(id),
    now.toISOString(),
    ...keys.map((key) => agentCodec.parameter(key, patch[key])),
  ]);
}

export async function findAgentsByName(
  executor: Executor,
  companyId: CompanyId,
  names: readonly string[],
): Promise<readonly Agent[]> {
  if (names.length === 0) return [];
  const { rows } = await runStatement(executor, byNameStatement, [uuidParameter(companyId), names.map(textParameter)]);
  return rows.map((row) => agentCodec.rowFrom(row));
}

export async function listAgentsDueForTimer(executor: Executor, now: Date, limit: number): Promise<readonly Agent[]> {
  const { rows } = await runStatement(executor, dueStatement, [now.toISOString(), Math.max(0, Math.min(1_000, limit))]);
  return rows.map((row) => agentCodec.rowFrom(row));
}

export async function getAgentRuntimeState(executor: Executor, id: AgentId): Promise<AgentRuntimeState | null> {
  const { rows } = await runStatement(executor, getStateStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : stateCodec.rowFrom(rows[0]);
}

type StateChange = Parameters<RunStoreTransaction['updateAgentRuntimeState']>[1];
const counters = ['totalRuns', 'totalInputTokens', 'totalOutputTokens', 'totalCostUsd'] as const;
const stateStatements = namedStatements('agent_state_put');

export async function updateAgentRuntimeState(
  executor: Executor,
  agent: Pick<Agent, 'id' | 'companyId'>,
  change: StateChange,
): Promise<void> {
  const set = change.set ?? {};
  const setKeys = (Object.keys(set) as (keyof typeof set)[]).filter((key) => set[key] !== undefined);
  const statement = stateStatements(setKeys.join(), () => {
    const names = [...setKeys, ...counters].map((key) => stateCodec.columnName(key));
    const updates = [
      ...setKeys.map((key) => stateCodec.columnName(key)).map((name) => `${name} = excluded.${name}`),
      ...counters
        .map((key) => stateCodec.columnName(key))
        .map((name) => `${name} = agent_runtime_state.${name} + excluded.${name}`),
    ];
    return `INSERT INTO agent_runtime_state (agent_id, company_id, ${names.join(', ')})
      VALUES (${placeholders(names.length + 2)}) ON CONFLICT (agent_id) DO UPDATE SET ${updates.join(', ')}`;
  });
  await runStatement(executor, statement, [
    uuidParameter(agent.id),
    uuidParameter(agent.companyId),
    ...setKeys.map((key) => stateCodec.parameter(key, set[key])),
    ...counters.map((key) => addend(key, change.add?.[key])),
  ]);
}

/** Adapters report these; one that reports half a token or not-a-number must not make its run impossible to close. */
function addend(key: (typeof counters)[number], value: number | undefined): number {
  if (value === undefined || !Number.isFinite(value)) return 0;
  return key === 'totalCostUsd' ? value : Math.round(value);
}

export async function getAgentSession(executor: Executor, agentId: AgentId, adapterType: string, taskKey: string): Promise<Json> {
  const { rows } = await runStatement(executor, getSessionStatement, [
    uuidParameter(agentId),
    textParameter(adapterType),
    textParameter(taskKey),
  ]);
  return (rows[0]?.[0] ?? null) as Json;
}

export async function putAgentSession(
  executor: Executor,
  session: Parameters<RunStoreTransaction['putAgentSession']>[0],
  now: Date,
): Promise<void> {
  await runStatement(executor, putSessionStatement, sessionCodec.parameters({ ...session, updatedAt: now }));
}
