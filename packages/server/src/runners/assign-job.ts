import type { DeskJob } from './desk-job.js';
import { planOffer } from './plan-offer.js';
import { offerCandidates, type RunnerContext } from './runner-context.js';
import { nextLeaseEpoch, type RunnerJobRecord } from './runner-job-record.js';
import { notifyLink } from './runner-link.js';

/** The runner that could take the run now; null = it waits. Decided without waiting, so that two runs never share a slot. */
export function chooseRunner(
  context: RunnerContext,
  wish: Pick<RunnerJobRecord, 'adapterType' | 'placement' | 'companyId'>,
): string | null {
  const plan = planOffer(wish, offerCandidates(context));
  return plan.kind === 'offer' ? plan.runnerId : null;
}

/** Shows a stored offer to its runner. */
export function showOffer(context: RunnerContext, job: DeskJob): void {
  job.offerUntilMs = context.clock.monotonicMs() + context.settings.runnerOfferMs;
  const link = job.record.runnerId === null ? undefined : context.links.get(job.record.runnerId);
  if (link) notifyLink(link);
}

/** Gives waiting runs, and offers that nobody claimed in time, to runners that are free. Called when anything changes. */
export function assignWaitingJobs(context: RunnerContext): void {
  if (context.isStopping) return;
  const nowMs = context.clock.monotonicMs();
  for (const job of context.jobs.values()) {
    if (job.record.state !== 'offered' || job.isSettled || job.isAssigning || job.attached === null) continue;
    if (job.record.runnerId !== null && nowMs < job.offerUntilMs) continue;
    const runnerId = chooseRunner(context, job.record);
    if (runnerId === null) continue;
    if (runnerId === job.record.runnerId) showOffer(context, job);
    else context.track('assign a run to a runner', reassign(context, job, runnerId));
  }
}

/** A new assignment has a higher epoch, so that a claim of the one before is refused. */
async function reassign(context: RunnerContext, job: DeskJob, runnerId: string): Promise<void> {
  const before = job.record;
  job.isAssigning = true;
  // The slot is taken while the assignment is being stored.
  job.record = { ...before, runnerId };
  const leaseEpoch = nextLeaseEpoch(before.leaseEpoch, context.clock.now());
  try {
    const guard = { runId: before.runId, leaseEpoch: before.leaseEpoch };
    const isStored = await context.store.patchJob(guard, { runnerId, leaseEpoch, homeId: null }, context.clock.now());
    job.record = isStored ? { ...before, runnerId, leaseEpoch, homeId: null } : before;
    if (isStored) showOffer(context, job);
  } catch (error) {
    job.record = before;
    throw error;
  } finally {
    job.isAssigning = false;
  }
}
