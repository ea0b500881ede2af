import type { ActiveRuns } from '../execute/active-runs.js';
import { type RunId, SupervisorError } from '../model/index.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';

/**
 * Proof of life from outside. For a run that is followed here it joins the throttled refresh; for one that nobody follows
 * (detached, log-driven after a restart) it is written, at most once per throttle span, and ends its warning.
 */
export async function reportActivity(dependencies: SupervisorDependencies, activeRuns: ActiveRuns, id: RunId): Promise<void> {
  const execution = activeRuns.get(id);
  if (execution) {
    execution.reportActivity();
    return;
  }
  const { clock, settings, store } = dependencies;
  const run = await store.getRun(id);
  if (!run) throw new SupervisorError('run_not_found', `There is no run ${id}.`);
  if (run.status !== 'running')
    throw new SupervisorError('run_not_active', `Run ${id} is ${run.status}; it cannot show activity.`);
  const ageMs = clock.now().getTime() - run.updatedAt.getTime();
  if (run.warning === null && ageMs < settings.livenessRefreshThrottleMs) return;
  await inUnitOfWork(dependencies, async (unit) => {
    const patch = { updatedAt: unit.now, unknownSince: null, warning: null };
    if ((await unit.tx.patchRun({ id, status: 'running' }, patch)) === 'stale' || !run.warning) return;
    unit.runEvent(run, {
      type: 'warning-cleared',
      level: 'info',
      message: `The run shows activity again; its warning (${run.warning.code}) is over.`,
    });
    unit.liveEvent(run.companyId, 'run-updated', runLiveData(run));
  });
}
