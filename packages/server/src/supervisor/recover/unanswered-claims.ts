import type { RunId } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { RecoveryHost } from './recovery-host.js';

/**
 * Runs that are ours by the database and unknown here: the commit that made them ours was not answered, so that nobody
 * began to execute them. Called while no claim is under way, and only after one was not answered: it reads all our runs.
 */
export async function findUnansweredClaims(
  dependencies: SupervisorDependencies,
  host: Pick<RecoveryHost, 'lease' | 'activeRuns' | 'unfollowed' | 'inRecovery'>,
): Promise<readonly RunId[]> {
  const owned = await dependencies.store.listOwnedRuns(host.lease.instanceId());
  return owned
    .map(({ id }) => id)
    .filter((id) => host.activeRuns.get(id) === null && !host.unfollowed.has(id) && !host.inRecovery.has(id));
}
