import { errorCodeOf, errorMessageOf, type Run, type RunId } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { recoverRun } from './recover-run.js';
import type { RecoveryHost, RecoveryOutcome } from './recovery-host.js';

/** Suspects read at once, and looked at side by side: a probe may take its time, and its answer changes only its own run. */
const pageSize = 200;
const sideBySide = 32;

/** One sweep of the reaper over all suspects. One bad row never stops it. */
export async function sweepOrphanedRuns(
  dependencies: SupervisorDependencies,
  host: Omit<RecoveryHost, 'livingInstanceIds'>,
): Promise<{ readonly reaped: number; readonly runIds: readonly RunId[] }> {
  const seen = new Set<RunId>();
  const reaped: RunId[] = [];
  const living = await livingInstances(dependencies, host);
  const sweepPage = async (page: readonly Run[]): Promise<void> => {
    const waiting = page.filter((run) => !seen.has(run.id));
    for (const run of waiting) seen.add(run.id);
    const worker = async (): Promise<void> => {
      for (let run = waiting.shift(); run && host.lease.isHeld(); run = waiting.shift()) {
        const outcome = await recoverSafely(dependencies, { ...host, livingInstanceIds: living }, run);
        if (outcome === 'settled') reaped.push(run.id);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
  };

  await sweepPage(await unfollowedRuns(dependencies, host.unfollowed));
  for (;;) {
    const now = dependencies.clock.now();
    const page = await dependencies.store.listRecoveryCandidates({
      now,
      staleBefore: new Date(now.getTime() - dependencies.settings.livenessStaleAfterMs),
      limit: pageSize,
      instanceId: host.lease.instanceId(),
    });
    // Whoever is kept is listed again only when it is time; a page without news ends the sweep whatever the store answers.
    if (!page.some((run) => !seen.has(run.id))) break;
    await sweepPage(page);
    if (page.length < pageSize) break;
  }
  return { reaped: reaped.length, runIds: reaped };
}

export async function livingInstances(
  dependencies: SupervisorDependencies,
  host: Pick<RecoveryHost, 'lease'>,
): Promise<ReadonlySet<string>> {
  const now = dependencies.clock.now();
  const own = host.lease.instanceId();
  const instances = await dependencies.store.listInstances();
  const living = instances.filter(
    (instance) => instance.id !== own && instance.endedAt === null && instance.leaseExpiresAt > now,
  );
  return new Set(living.map((instance) => instance.id));
}

async function unfollowedRuns(dependencies: SupervisorDependencies, unfollowed: Set<RunId>): Promise<readonly Run[]> {
  const runs: Run[] = [];
  const now = dependencies.clock.now();
  for (const id of unfollowed) {
    const run = await dependencies.store.getRun(id);
    if (run?.status !== 'running') unfollowed.delete(id);
    else if (run.nextProbeAt === null || run.nextProbeAt <= now || isEndDue(run, now)) runs.push(run);
  }
  return runs;
}

function isEndDue(run: Run, now: Date): boolean {
  return run.cancelRequestedAt !== null || (run.deadlineAt !== null && run.deadlineAt <= now);
}

async function recoverSafely(dependencies: SupervisorDependencies, host: RecoveryHost, run: Run): Promise<RecoveryOutcome> {
  try {
    return await recoverRun(dependencies, host, run);
  } catch (error) {
    dependencies.metrics.count('recovery_errors_total');
    dependencies.logger.error(
      { runId: run.id, code: errorCodeOf(error), error: errorMessageOf(error) },
      'a run could not be recovered; the sweep goes on',
    );
    return 'kept';
  }
}
