import type { InstanceId, Run, RunPatch } from '../model/index.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';

/**
 * Makes a running run ours before anything is done to it outside: a compare-and-set on its epoch, which rises. Null when
 * somebody else was faster or it ended.
 */
export async function adoptRun(
  dependencies: SupervisorDependencies,
  run: Run,
  instanceId: InstanceId,
  change: RunPatch,
  event: { readonly type: string; readonly level: 'info' | 'warn'; readonly message: string },
): Promise<Run | null> {
  return inUnitOfWork(dependencies, async (unit) => {
    const patch: RunPatch = { ...change, ownerInstanceId: instanceId, ownerEpoch: run.ownerEpoch + 1 };
    const answer = await unit.tx.patchRun({ id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' }, patch);
    if (answer === 'stale') return null;
    const adopted: Run = { ...run, ...patch };
    unit.runEvent(run, { ...event, data: { instanceId, formerInstanceId: run.ownerInstanceId } });
    unit.liveEvent(run.companyId, 'run-updated', runLiveData(adopted));
    return adopted;
  });
}
