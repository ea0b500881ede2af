import type { Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import type { DeskJob } from './desk-job.js';
import type { OfferCandidate } from './plan-offer.js';
import type { RunnerDirectory } from './runner-directory.js';
import type { RunnerJobRecord } from './runner-job-record.js';
import type { RunnerLink } from './runner-link.js';
import type { RunnerSettings } from './runner-settings.js';
import type { RunnerStore } from './runner-store.js';

/** What the functions of this folder share: one per server process. */
export interface RunnerContext {
  readonly store: RunnerStore;
  readonly directory: RunnerDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: RunnerSettings;
  /** New with each server process: cursors and sessions of an older one are good for nothing. */
  readonly incarnation: string;
  readonly startedAtMs: number;
  /** Whether the store has the run, or a session with this worker, and whether it has ended. */
  runStatus(runId: string): Promise<'active' | 'ended' | 'unknown'>;
  /** By run id: what this server has on runners now. */
  readonly jobs: Map<string, DeskJob>;
  /** By runner id: the one session of each connected runner. */
  readonly links: Map<string, RunnerLink>;
  /** Tells the catalog's listeners that runs may find a place now which they did not find before. */
  announceChange(): void;
  /** Background work that `stop` waits for; a rejection is logged under `what`. */
  track(what: string, work: Promise<unknown>): void;
  isStopping: boolean;
}

/** `runStatus` of a job with its record: the worker of a session that has another one by now has ended. */
export async function statusOfJob(
  context: RunnerContext,
  runId: string,
  record: RunnerJobRecord | null,
): Promise<'active' | 'ended' | 'unknown'> {
  const status = await context.runStatus(runId);
  return status === 'unknown' && record !== null && record.sessionId !== null ? 'ended' : status;
}

/** Whether the runner was heard within its poll wait and its lease. */
export function isReachable(context: RunnerContext, link: RunnerLink | undefined): boolean {
  if (!link) return false;
  const nowMs = context.clock.monotonicMs();
  const { runnerPollWaitMs, runnerPollGraceMs } = context.settings;
  const pollLimitMs = runnerPollWaitMs + runnerPollGraceMs;
  return link.leaseUntilMs > nowMs && link.lastPollAtMs !== null && nowMs - link.lastPollAtMs <= pollLimitMs;
}

/** All runners as `planOffer` wants them. */
export function offerCandidates(context: RunnerContext): OfferCandidate[] {
  const assigned = new Map<string, number>();
  for (const job of context.jobs.values()) {
    const { runnerId } = job.record;
    if (runnerId !== null && !job.isSettled) assigned.set(runnerId, (assigned.get(runnerId) ?? 0) + 1);
  }
  return context.directory.all().map((runner) => ({
    runnerId: runner.id,
    companyId: runner.companyId,
    labels: runner.labels,
    adapterTypes: new Set(runner.adapters.map((adapter) => adapter.type)),
    isReachable: isReachable(context, context.links.get(runner.id)),
    isEnabled: runner.adminStatus === 'enabled',
    freeSlots: runner.slots - (assigned.get(runner.id) ?? 0),
  }));
}
