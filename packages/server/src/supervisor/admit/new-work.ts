import type { Json } from '@runbeat/adapter-sdk';
import {
  type Agent,
  createId,
  type NewRun,
  type RunContextSnapshot,
  SupervisorError,
  type WakeupRequest,
  type WakeupRequestId,
  type WakeupStatus,
} from '../model/index.js';
import type { WakeupInput } from '../supervisor.js';

/** The wakeup request as it is stored; its status is known when the admission is planned. */
export function wakeupFromInput(input: WakeupInput, now: Date): WakeupRequest {
  return {
    id: createId<WakeupRequestId>(now),
    companyId: input.companyId,
    agentId: input.agentId,
    source: input.source,
    reason: input.reason ?? null,
    prompt: input.prompt ?? null,
    payload: input.payload ?? null,
    issueId: input.issueId ?? null,
    // Runs on one issue continue one conversation, unless the caller names another one.
    taskKey: input.taskKey ?? input.issueId ?? null,
    priority: input.priority ?? 0,
    idempotencyKey: input.idempotencyKey ?? null,
    status: 'queued' satisfies WakeupStatus,
    statusReason: null,
    runId: null,
    coalescedCount: 0,
    requestedBy: input.requestedBy ?? null,
    createdAt: now,
    updatedAt: now,
  };
}

/** What a wake may bring beside itself; a deferred wake cannot (it is stored without these). */
export type RunOptions = Pick<WakeupInput, 'retryReason' | 'retryOfRunId' | 'placement' | 'timeoutMs' | 'adapterConfigOverride'>;

/** Members of the adapter config that replace the agent's for this one run; null when the wake brings none. */
export function configOverrideOf(
  override: RunContextSnapshot['adapterConfigOverride'] | undefined,
): { readonly [member: string]: Json | undefined } | null {
  if (override === null || override === undefined) return null;
  if (typeof override !== 'object' || Array.isArray(override)) {
    throw new SupervisorError(
      'invalid_state',
      'adapterConfigOverride must be an object whose members replace those of the adapter config.',
    );
  }
  return override as { readonly [member: string]: Json | undefined };
}

/** The run that a wake starts. */
export function runFromWakeup(wakeup: WakeupRequest, agent: Agent, options: RunOptions, now: Date): NewRun {
  return {
    id: createId(now),
    companyId: wakeup.companyId,
    agentId: wakeup.agentId,
    adapterType: agent.adapterType,
    invocationSource: wakeup.source,
    wakeupRequestId: wakeup.id,
    issueId: wakeup.issueId,
    taskKey: wakeup.taskKey,
    contextSnapshot: {
      prompt: wakeup.prompt,
      reason: wakeup.reason,
      payload: wakeup.payload,
      coalesced: [],
      retryReason: options.retryReason ?? null,
      placement: options.placement ?? agent.runtimeConfig.placement,
      adapterConfigOverride: options.adapterConfigOverride ?? null,
    },
    priority: wakeup.priority,
    notBefore: null,
    timeoutMs: options.timeoutMs ?? agent.runtimeConfig.limits.timeoutMs,
    idleTimeoutMs: agent.runtimeConfig.limits.idleTimeoutMs,
    retryOfRunId: options.retryOfRunId ?? null,
    processLossRetryCount: 0,
    transientRetryCount: 0,
    createdAt: now,
  };
}
