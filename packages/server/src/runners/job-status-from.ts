import type { RunId } from '../supervisor/model/index.js';
import type { RunStore } from '../supervisor/ports/index.js';

/** `runStatus` of the runner service: a job is a run or the worker of a session, and its id says not which. */
export function jobStatusFrom(stores: {
  readonly runStore: Pick<RunStore, 'getRun'>;
  sessionWorkerStatus(workerId: string): Promise<'active' | 'ended' | 'unknown'>;
}): (jobId: string) => Promise<'active' | 'ended' | 'unknown'> {
  return async (jobId) => {
    const run = await stores.runStore.getRun(jobId as RunId);
    if (run === null) return stores.sessionWorkerStatus(jobId);
    return run.status === 'queued' || run.status === 'running' ? 'active' : 'ended';
  };
}
