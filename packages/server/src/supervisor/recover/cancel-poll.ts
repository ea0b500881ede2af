import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { livingInstances } from './orphan-sweep.js';
import { recoverRun } from './recover-run.js';
import type { RecoveryHost } from './recovery-host.js';

const runsPerPoll = 200;

/** Acts on cancels that were written by another instance, or for runs that nobody follows. Called every `claimIntervalMs`. */
export async function pollCancelRequests(
  dependencies: SupervisorDependencies,
  host: Omit<RecoveryHost, 'livingInstanceIds'>,
): Promise<void> {
  const { clock, store } = dependencies;
  const requested = await store.listCancelRequests({ instanceId: host.lease.instanceId(), now: clock.now(), limit: runsPerPoll });
  const unfollowed = requested.filter((run) => {
    const execution = host.activeRuns.get(run.id);
    execution?.stop({ kind: 'cancelled', message: run.cancelReason ?? 'Cancelled.' });
    return !execution;
  });
  if (unfollowed.length === 0) return;
  const livingInstanceIds = await livingInstances(dependencies, host);
  await Promise.all(unfollowed.map((run) => recoverRun(dependencies, { ...host, livingInstanceIds }, run)));
}
