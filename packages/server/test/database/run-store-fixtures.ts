import {
  type Agent,
  type AgentId,
  type CompanyId,
  createId,
  type InstanceId,
  type Issue,
  type IssueId,
  type NewRun,
  type RunId,
  type ServerInstance,
  type WakeupRequest,
  type WakeupRequestId,
} from '../../src/supervisor/model/index.js';

export const now = new Date('2026-01-02T03:04:05.678Z');
export const after = (ms: number): Date => new Date(now.getTime() + ms);

export function newAgent(companyId: CompanyId, more: Partial<Agent> = {}): Agent {
  return {
    id: createId<AgentId>(now),
    companyId,
    name: 'Ada',
    role: 'engineer',
    status: 'active',
    statusReason: null,
    adapterType: 'local',
    adapterConfig: { command: 'node' },
    runtimeConfig: {
      limits: { timeoutMs: null, idleTimeoutMs: null },
      heartbeat: { enabled: false, intervalSec: 60, wakeOnDemand: true, maxConcurrentRuns: 5 },
      placement: null,
    },
    createdAt: now,
    updatedAt: now,
    ...more,
  };
}

export function newRun(agent: Agent, more: Partial<NewRun> = {}): NewRun {
  return {
    id: createId<RunId>(now),
    companyId: agent.companyId,
    agentId: agent.id,
    adapterType: agent.adapterType,
    invocationSource: 'on_demand',
    wakeupRequestId: createId<WakeupRequestId>(now),
    issueId: null,
    taskKey: null,
    contextSnapshot: {
      prompt: 'do it',
      reason: null,
      payload: { a: [1, null] },
      coalesced: [],
      retryReason: null,
      placement: null,
      adapterConfigOverride: null,
    },
    priority: 0,
    notBefore: null,
    timeoutMs: null,
    idleTimeoutMs: null,
    retryOfRunId: null,
    processLossRetryCount: 0,
    transientRetryCount: 0,
    createdAt: now,
    ...more,
  };
}

export function newWakeup(agent: Agent, more: Partial<WakeupRequest> = {}): WakeupRequest {
  return {
    id: createId<WakeupRequestId>(now),
    companyId: agent.companyId,
    agentId: agent.id,
    source: 'on_demand',
    reason: 'because',
    prompt: null,
    payload: null,
    issueId: null,
    taskKey: null,
    priority: 0,
    idempotencyKey: null,
    status: 'queued',
    statusReason: null,
    runId: null,
    coalescedCount: 0,
    requestedBy: null,
    createdAt: now,
    updatedAt: now,
    ...more,
  };
}

export function newIssue(companyId: CompanyId, more: Partial<Issue> = {}): Issue {
  return {
    id: createId<IssueId>(now),
    companyId,
    title: 'an issue',
    description: null,
    status: 'todo',
    priority: 0,
    assigneeAgentId: null,
    assigneeUserId: null,
    checkoutRunId: null,
    executionRunId: null,
    recoveryUsed: null,
    createdAt: now,
    updatedAt: now,
    ...more,
  };
}

export function newInstance(more: Partial<ServerInstance> = {}): ServerInstance {
  return {
    id: createId<InstanceId>(now),
    host: 'here',
    pid: 4_711,
    hostBootId: 'boot',
    processStartTicks: '99',
    version: '0.1.0',
    startedAt: now,
    leaseExpiresAt: after(30_000),
    endedAt: null,
    ...more,
  };
}
