import { annotationNames, instanceSelector, labelNames, labelPart } from './job/job-names.js';
import { isJobFinished } from './outcome/pod-facts.js';
import type { Scope } from './run/scope.js';
import { removeJob } from './start.js';
import type { WireJob } from './wire.js';

export interface CandidateFacts {
  readonly jobs: readonly WireJob[];
  /** Runs that this adapter object works on or starts. */
  readonly ownRunIds: ReadonlySet<string>;
  /** Id of the host's installation; null = it does not say. */
  readonly installation: string | null;
  readonly nowMs: number;
  readonly ageMs: number;
}

/**
 * Jobs that may have been left by everybody. Only those of the host's own installation, or without one when it has none:
 * what another installation made is never looked at twice. Without an installation nobody can say whether a released
 * Job is the work of another server; a suspended one that old is what a crash in the middle of a creation leaves.
 */
export function planCandidates(facts: CandidateFacts): WireJob[] {
  const own = facts.installation === null ? undefined : labelPart(facts.installation);
  return facts.jobs.filter((job) => {
    const runId = runIdOf(job);
    const age = facts.nowMs - (Date.parse(job.metadata?.creationTimestamp ?? '') || facts.nowMs);
    if (runId === undefined || facts.ownRunIds.has(runId) || age < facts.ageMs) return false;
    if (job.metadata?.labels?.[labelNames.installation] !== own) return false;
    if (job.metadata?.deletionTimestamp != null || isJobFinished(job)) return false;
    return own !== undefined || job.spec?.suspend === true;
  });
}

/** One round over all namespaces that were used. A failure is told and ends the round of that namespace only. */
export async function sweepOrphans(scopes: readonly Scope[], ownRunIds: ReadonlySet<string>): Promise<void> {
  for (const scope of scopes) {
    try {
      await sweepNamespace(scope, ownRunIds);
    } catch (error) {
      const message = `Orphans in namespace ${scope.api.namespace} could not be looked for: ${String(error)}`;
      scope.notify({ type: 'orphan_sweep_failed', message });
    }
  }
}

async function sweepNamespace(scope: Scope, ownRunIds: ReadonlySet<string>): Promise<void> {
  const { api, installation, timings } = scope;
  const candidates = planCandidates({
    jobs: await api.listJobs(instanceSelector(scope.instance)),
    ownRunIds,
    installation: installation?.id ?? null,
    nowMs: scope.now(),
    ageMs: timings.orphanAgeMs,
  });
  if (candidates.length === 0) return;
  // Asked after the Jobs were listed: a run is stored before its Job is made, so each of these was known by then, and one
  // that has ended does not begin again.
  const unfinished = await installation?.unfinishedRuns(candidates.map((job) => runIdOf(job) ?? ''));
  for (const job of candidates) {
    const runId = runIdOf(job) ?? '';
    // What was begun while we waited is not ours to end either.
    if (unfinished?.has(runId) || ownRunIds.has(runId)) continue;
    const { name = '', uid = '' } = job.metadata ?? {};
    await removeJob(scope, { namespace: api.namespace, job: name, jobUid: uid, logs: 'plain' });
    scope.notify({
      type: 'orphan_deleted',
      message: `Job ${name} in namespace ${api.namespace} worked for no run (${runId} is over or unknown); it was deleted.`,
    });
  }
}

const runIdOf = (job: WireJob): string | undefined => job.metadata?.annotations?.[annotationNames.runId];
