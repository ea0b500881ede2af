import type { HeartbeatRun, RunSummary } from '@runbeat/protocol';
import type { RunSummary as StoredRunSummary } from '../../db/index.js';
import type { Run } from '../../supervisor/model/index.js';

/** A run as lists and live snapshots show it. */
export function wireRunSummary(run: StoredRunSummary): RunSummary {
  return {
    id: run.id,
    companyId: run.companyId,
    agentId: run.agentId,
    adapterType: run.adapterType,
    status: run.status,
    phase: run.phase,
    invocationSource: run.invocationSource,
    issueId: run.issueId,
    priority: run.priority,
    notBefore: isoTime(run.notBefore),
    createdAt: run.createdAt.toISOString(),
    startedAt: isoTime(run.startedAt),
    finishedAt: isoTime(run.finishedAt),
    durationMs: run.startedAt && run.finishedAt ? run.finishedAt.getTime() - run.startedAt.getTime() : null,
    updatedAt: run.updatedAt.toISOString(),
    lastOutputAt: isoTime(run.lastOutputAt),
    logBytes: run.logBytes,
    exitCode: run.exitCode,
    signal: run.signal,
    errorCode: run.errorCode,
    error: run.error,
    warning: run.warning,
    summary: run.summary,
    costUsd: run.costUsd,
    retryOfRunId: run.retryOfRunId,
    processLossRetryCount: run.processLossRetryCount,
    transientRetryCount: run.transientRetryCount,
    cancelRequestedAt: isoTime(run.cancelRequestedAt),
  };
}

/** Everything that is told about a run; its handle and log cursor are the adapter's business. */
export function wireRun(run: Run): HeartbeatRun {
  const { contextSnapshot } = run;
  return {
    ...wireRunSummary(run),
    wakeupRequestId: run.wakeupRequestId,
    taskKey: run.taskKey,
    prompt: contextSnapshot.prompt,
    reason: contextSnapshot.reason,
    payload: contextSnapshot.payload ?? null,
    retryReason: contextSnapshot.retryReason,
    coalescedCount: contextSnapshot.coalesced.length,
    attempt: run.attempt,
    ownerInstanceId: run.ownerInstanceId,
    ownerEpoch: run.ownerEpoch,
    handleKind: run.handle?.kind ?? null,
    processPid: run.processPid,
    processGroupId: run.processGroupId,
    processStartedAt: isoTime(run.processStartedAt),
    deadlineAt: isoTime(run.deadlineAt),
    timeoutMs: run.timeoutMs,
    idleTimeoutMs: run.idleTimeoutMs,
    cancelReason: run.cancelReason,
    unknownSince: isoTime(run.unknownSince),
    usage: run.usage === null ? null : { ...run.usage },
    provider: run.provider,
    model: run.model,
    resultJson: run.resultJson ?? null,
  };
}

export function isoTime(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
