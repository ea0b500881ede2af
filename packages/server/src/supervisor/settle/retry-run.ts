import { createId, type NewRun, type Run, type WakeupRequest, type WakeupRequestId } from '../model/index.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';
import type { RetryPlan } from './plan-retry.js';

/** Stores the second try of a run, with a wakeup request of its own, in the transaction that closes the first. */
export async function insertRetryRun(
  unit: UnitOfWork,
  failed: Run,
  plan: Extract<RetryPlan, { kind: 'retry' }>,
  reason: string,
): Promise<NewRun> {
  const { now } = unit;
  const retry: NewRun = {
    id: createId(now),
    companyId: failed.companyId,
    agentId: failed.agentId,
    adapterType: failed.adapterType,
    // The input of a retry is that of the run: also who started it.
    invocationSource: failed.invocationSource,
    wakeupRequestId: createId<WakeupRequestId>(now),
    issueId: failed.issueId,
    taskKey: failed.taskKey,
    contextSnapshot: { ...failed.contextSnapshot, retryReason: plan.retryReason },
    priority: failed.priority,
    notBefore: plan.notBefore,
    timeoutMs: failed.timeoutMs,
    idleTimeoutMs: failed.idleTimeoutMs,
    retryOfRunId: failed.id,
    processLossRetryCount: plan.processLossRetryCount,
    transientRetryCount: plan.transientRetryCount,
    createdAt: now,
  };
  const wakeup: WakeupRequest = {
    id: retry.wakeupRequestId,
    companyId: retry.companyId,
    agentId: retry.agentId,
    source: retry.invocationSource,
    reason,
    prompt: retry.contextSnapshot.prompt,
    payload: retry.contextSnapshot.payload,
    issueId: retry.issueId,
    taskKey: retry.taskKey,
    priority: retry.priority,
    idempotencyKey: null,
    status: 'queued',
    statusReason: null,
    runId: retry.id,
    coalescedCount: 0,
    requestedBy: `run:${failed.id}`,
    createdAt: now,
    updatedAt: now,
  };
  await unit.tx.insertWakeup(wakeup);
  await unit.tx.insertRun(retry);
  unit.runEvent(retry, {
    type: 'run-queued',
    level: 'info',
    message: reason,
    data: { retryOfRunId: failed.id, retryReason: plan.retryReason, notBefore: plan.notBefore?.toISOString() ?? null },
  });
  return retry;
}
