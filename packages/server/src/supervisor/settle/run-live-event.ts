import type { Json } from '@runbeat/adapter-sdk';
import type { Run } from '../model/index.js';

/** What the outbox tells about a run: enough for a list to update a row without asking. */
export function runLiveData(
  run: Pick<Run, 'id' | 'agentId' | 'issueId' | 'status' | 'phase' | 'retryOfRunId' | 'errorCode'>,
): Json {
  return {
    runId: run.id,
    agentId: run.agentId,
    issueId: run.issueId,
    status: run.status,
    phase: run.phase,
    retryOfRunId: run.retryOfRunId,
    errorCode: run.errorCode,
  };
}
