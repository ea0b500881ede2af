import type { RunId } from '../supervisor/model/index.js';
import type { RunStore } from '../supervisor/ports/index.js';

/** `runStatus` of the runner service over the run store. */
export function runStatusFromStore(
  runStore: Pick<RunStore, 'getRun'>,
): (runId: string) => Promise<'active' | 'ended' | 'unknown'> {
  return async (runId) => {
    const run = await runStore.getRun(runId as RunId);
    if (run === null) return 'unknown';
    return run.status === 'queued' || run.status === 'running' ? 'active' : 'ended';
  };
}
