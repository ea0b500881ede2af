import { isApiError } from './cluster/api-error.js';
import { annotationNames, instanceSelector } from './job/job-names.js';
import { isJobFinished } from './outcome/pod-facts.js';
import type { Scope } from './run/scope.js';
import { removeJob } from './start.js';
import type { WireJob } from './wire.js';

export interface OrphanFacts {
  readonly jobs: readonly WireJob[];
  /** Runs that this adapter object works on, starts, or was asked about. */
  readonly ownRunIds: ReadonlySet<string>;
  /** All runs that the host knows, on every server; null = the host does not tell. */
  readonly knownRunIds: ReadonlySet<string> | null;
  readonly nowMs: number;
  readonly ageMs: number;
}

/**
 * Jobs that nobody will ever come back for. A suspended one is what a crash in the middle of a creation leaves. A released
 * one may be the work of another server, so it is an orphan only when the host says that it knows no such run.
 */
export function planOrphans(facts: OrphanFacts): WireJob[] {
  return facts.jobs.filter((job) => {
    const runId = job.metadata?.annotations?.[annotationNames.runId];
    const age = facts.nowMs - (Date.parse(job.metadata?.creationTimestamp ?? '') || facts.nowMs);
    if (runId === undefined || facts.ownRunIds.has(runId) || age < facts.ageMs) return false;
    if (job.metadata?.deletionTimestamp != null || isJobFinished(job)) return false;
    return facts.knownRunIds === null ? job.spec?.suspend === true : !facts.knownRunIds.has(runId);
  });
}

export interface OrphanSweepOptions {
  readonly scopes: () => readonly Scope[];
  readonly ownRunIds: ReadonlySet<string>;
  readonly listKnownRunIds: (() => Promise<ReadonlySet<string>>) | null;
}

/** One round over all namespaces that were used. Failures are told and end the round of that namespace only. */
export async function sweepOrphans(options: OrphanSweepOptions): Promise<{ deleted: string[] }> {
  const deleted: string[] = [];
  for (const scope of options.scopes()) {
    try {
      const jobs = await scope.api.listJobs(instanceSelector(scope.instance));
      const orphans = planOrphans({
        jobs,
        ownRunIds: options.ownRunIds,
        knownRunIds: options.listKnownRunIds === null ? null : await options.listKnownRunIds(),
        nowMs: scope.now(),
        ageMs: scope.timings.orphanAgeMs,
      });
      for (const job of orphans) {
        const { name = '', uid = '' } = job.metadata ?? {};
        await removeJob(scope, { namespace: scope.api.namespace, job: name, jobUid: uid, logs: 'plain' });
        deleted.push(name);
        scope.notify({
          type: 'orphan_deleted',
          message: `Job ${name} in namespace ${scope.api.namespace} had no run; it was deleted.`,
        });
      }
    } catch (error) {
      const message = `Orphans in namespace ${scope.api.namespace} could not be looked for: ${String(error)}`;
      scope.notify({ type: 'orphan_sweep_failed', message });
      if (!isApiError(error) && options.listKnownRunIds === null) throw error;
    }
  }
  return { deleted };
}
