import type { WakeupAnswer as WireWakeupAnswer, WakeupRequest as WireWakeupRequest } from '@runbeat/protocol';
import type { WakeupRequest } from '../../supervisor/model/index.js';
import type { WakeupAnswer } from '../../supervisor/supervisor.js';
import { wireRun } from '../heartbeat-runs/wire-run.js';

export function wireWakeupAnswer(answer: WakeupAnswer): WireWakeupAnswer {
  return {
    outcome: answer.outcome,
    reason: answer.reason,
    wakeupRequest: wireWakeupRequest(answer.wakeupRequest),
    run: answer.run === null ? null : wireRun(answer.run),
  };
}

function wireWakeupRequest(wakeup: WakeupRequest): WireWakeupRequest {
  return {
    id: wakeup.id,
    companyId: wakeup.companyId,
    agentId: wakeup.agentId,
    source: wakeup.source,
    reason: wakeup.reason,
    issueId: wakeup.issueId,
    taskKey: wakeup.taskKey,
    priority: wakeup.priority,
    idempotencyKey: wakeup.idempotencyKey,
    status: wakeup.status,
    statusReason: wakeup.statusReason,
    runId: wakeup.runId,
    coalescedCount: wakeup.coalescedCount,
    requestedBy: wakeup.requestedBy,
    createdAt: wakeup.createdAt.toISOString(),
    updatedAt: wakeup.updatedAt.toISOString(),
  };
}
