import type { Json } from '@runbeat/adapter-sdk';
import type { AgentId, CompanyId } from './ids.js';
import type { RunPlacement } from './run.js';

export const agentStatuses = ['active', 'paused', 'error'] as const;
export type AgentStatus = (typeof agentStatuses)[number];

/** `runtimeConfig` of an agent; every member has a default. */
export interface AgentRuntimeConfig {
  readonly limits: { readonly timeoutMs: number | null; readonly idleTimeoutMs: number | null };
  readonly heartbeat: {
    /** Timer wakes on or off. */
    readonly enabled: boolean;
    readonly intervalSec: number;
    /** Whether wakes other than the timer's are taken. */
    readonly wakeOnDemand: boolean;
    readonly maxConcurrentRuns: number;
  };
  readonly placement: RunPlacement | null;
}

/** A configured worker. */
export interface Agent {
  readonly id: AgentId;
  readonly companyId: CompanyId;
  readonly name: string;
  readonly role: string;
  readonly status: AgentStatus;
  readonly statusReason: string | null;
  readonly adapterType: string;
  /** As the operator wrote it: secrets are `{ "$secret": "NAME" }`, resolved only for a run. */
  readonly adapterConfig: Json;
  readonly runtimeConfig: AgentRuntimeConfig;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Counters and marks that change with every run (`agent_runtime_state`). */
export interface AgentRuntimeState {
  readonly agentId: AgentId;
  readonly companyId: CompanyId;
  readonly firstHeartbeatAt: Date | null;
  readonly lastHeartbeatAt: Date | null;
  readonly nextTimerWakeAt: Date | null;
  readonly lastRunId: string | null;
  readonly lastRunStatus: string | null;
  readonly lastErrorCode: string | null;
  readonly totalRuns: number;
  readonly totalInputTokens: number;
  readonly totalOutputTokens: number;
  readonly totalCostUsd: number;
}
