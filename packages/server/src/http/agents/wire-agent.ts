import type { Agent as WireAgent, AgentRuntimeState as WireRuntimeState } from '@runbeat/protocol';
import type { Agent, AgentRuntimeState } from '../../supervisor/model/index.js';
import type { AdapterCatalog } from '../../supervisor/ports/index.js';
import { isoTime } from '../heartbeat-runs/wire-run.js';

export function wireAgent(agent: Agent, facts: { readonly runningRuns: number; readonly catalog: AdapterCatalog }): WireAgent {
  const lookup = facts.catalog.find(agent.adapterType, agent.runtimeConfig.placement);
  return {
    id: agent.id,
    companyId: agent.companyId,
    name: agent.name,
    role: agent.role,
    status: agent.status,
    statusReason: agent.statusReason,
    activity: facts.runningRuns > 0 ? 'running' : 'idle',
    adapterType: agent.adapterType,
    adapterState: lookup.found ? 'ready' : lookup.state,
    adapterConfig: agent.adapterConfig ?? null,
    runtimeConfig: agent.runtimeConfig,
    createdAt: agent.createdAt.toISOString(),
    updatedAt: agent.updatedAt.toISOString(),
  };
}

/** @param state null = the agent never ran and was never due. */
export function wireRuntimeState(agentId: string, state: AgentRuntimeState | null): WireRuntimeState {
  return {
    agentId,
    firstHeartbeatAt: isoTime(state?.firstHeartbeatAt ?? null),
    lastHeartbeatAt: isoTime(state?.lastHeartbeatAt ?? null),
    nextTimerWakeAt: isoTime(state?.nextTimerWakeAt ?? null),
    lastRunId: state?.lastRunId ?? null,
    lastRunStatus: state?.lastRunStatus ?? null,
    lastErrorCode: state?.lastErrorCode ?? null,
    totalRuns: state?.totalRuns ?? 0,
    totalInputTokens: state?.totalInputTokens ?? 0,
    totalOutputTokens: state?.totalOutputTokens ?? 0,
    totalCostUsd: state?.totalCostUsd ?? 0,
  };
}
