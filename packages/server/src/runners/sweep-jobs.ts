import type { RunEventV1 } from '@runbeat/adapter-sdk';
import { assignWaitingJobs } from './assign-job.js';
import type { DeskJob } from './desk-job.js';
import { planLease } from './plan-lease.js';
import type { RunnerContext } from './runner-context.js';
import { nextLeaseEpoch } from './runner-job-record.js';
import { notifyLink } from './runner-link.js';

/** A settled job that its runner never asked about again is forgotten after this. */
const FORGET_SETTLED_AFTER_MS = 600_000;

/** One look at all leases and offers: tells detachment, gives up what is lost, places what waits. Cheap and synchronous. */
export function sweepJobs(context: RunnerContext): void {
  const nowMs = context.clock.monotonicMs();
  for (const job of context.jobs.values()) {
    if (job.isSettled) {
      if (job.settledAtMs !== null && nowMs - job.settledAtMs > FORGET_SETTLED_AFTER_MS) context.jobs.delete(job.record.runId);
    } else if (job.record.state === 'leased') sweepLease(context, job, nowMs);
    else if (job.record.state === 'offered' && job.attached !== null) sweepOffer(context, job, nowMs);
  }
  assignWaitingJobs(context);
}

function sweepLease(context: RunnerContext, job: DeskJob, nowMs: number): void {
  const { runnerDisconnectGraceMs, runnerLeaseMs } = context.settings;
  const plan = planLease({
    nowMs,
    leaseUntilMs: job.leaseUntilMs,
    // The runner counts its own lease and grace and then stops the work; one lease more covers the difference of the clocks.
    disconnectGraceMs: runnerDisconnectGraceMs + runnerLeaseMs,
    isDetachmentTold: job.isDetachmentTold,
  });
  if (plan === 'detach') {
    job.isDetachmentTold = true;
    context.metrics.count('runner_jobs_detached_total');
    tellEvent(context, job, {
      type: 'runner_detached',
      level: 'warn',
      message: `Runner ${job.record.runnerId} has been silent for longer than its lease; the work probably goes on there.`,
    });
  } else if (plan === 'reattached') {
    job.isDetachmentTold = false;
    tellEvent(context, job, { type: 'runner_reattached', level: 'info', message: `Runner ${job.record.runnerId} is back.` });
  } else if (plan === 'lose') {
    loseJob(context, job, 'runner_lost', `Runner ${job.record.runnerId} did not come back within the grace period.`);
  }
}

function sweepOffer(context: RunnerContext, job: DeskJob, nowMs: number): void {
  if (nowMs < job.leaseUntilMs) return;
  const place = 'runnerId' in job.record.placement ? job.record.placement.runnerId : `label ${job.record.placement.runnerLabel}`;
  loseJob(
    context,
    job,
    'runner_unavailable',
    `No runner (${place}) took the run within the grace period. Start one, or free a slot.`,
  );
}

/** Gives a job up: whoever still works on it is refused from now on, and the run fails so that it can be tried elsewhere. */
export function loseJob(context: RunnerContext, job: DeskJob, code: 'runner_lost' | 'runner_unavailable', message: string): void {
  context.logger.warn({ runId: job.record.runId, runnerId: job.record.runnerId, code }, message);
  context.metrics.count('runner_jobs_lost_total', { code });
  context.track('store the loss of a job', abandonJob(context, job));
  // A cancelled run is not tried again, and its end was not seen: it failed.
  job.settle({ status: 'failed', error: { code, message, retryable: job.cancel === null } });
}

/** Raises the epoch and forgets the job. */
export async function abandonJob(context: RunnerContext, job: DeskJob): Promise<void> {
  const { runId, leaseEpoch, runnerId } = job.record;
  const now = context.clock.now();
  const nextEpoch = nextLeaseEpoch(leaseEpoch, now);
  job.record = { ...job.record, state: 'lost', leaseEpoch: nextEpoch };
  if (context.jobs.get(runId) === job) context.jobs.delete(runId);
  const link = runnerId === null ? undefined : context.links.get(runnerId);
  if (link) notifyLink(link);
  context.announceChange();
  await context.store.patchJob({ runId, leaseEpoch }, { state: 'lost', leaseEpoch: nextEpoch }, now);
}

/** Tells the run's timeline without making anybody wait for it. */
export function tellEvent(context: RunnerContext, job: DeskJob, event: RunEventV1): void {
  context.logger.info({ runId: job.record.runId, runnerId: job.record.runnerId, event: event.type }, event.message);
  if (job.attached && !job.isSettled) context.track('record a runner event', job.attached.sinks.onEvent(event));
}
