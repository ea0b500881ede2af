import type { RunnerJobSpec } from '@runbeat/protocol';
import type { RunnerContext } from './runner-context.js';
import { fenced, notFollowed, requireJob, requireSession } from './session-guard.js';

/** `POST …/jobs/:runId/claim`: idempotent. The claim is stored before it is answered. */
export async function claimJob(
  context: RunnerContext,
  runnerId: string,
  runId: string,
  request: { readonly sessionId: string; readonly leaseEpoch: number },
): Promise<{ job: RunnerJobSpec }> {
  const link = requireSession(context, runnerId, request.sessionId);
  const job = await requireJob(context, link, runId, request.leaseEpoch);
  if (!job?.attached) throw await notFollowed(context, runId);
  if (job.isSettled || job.isAssigning) throw fenced(runId);
  if (job.record.state === 'offered' || job.record.homeId === null) {
    if (job.cancel !== null) throw fenced(runId);
    const { record } = job;
    // Set before it is stored: a cancel that comes in between goes to the runner instead of giving the offer up.
    job.record = { ...record, state: 'leased', homeId: link.homeId };
    const guard = { runId, leaseEpoch: request.leaseEpoch };
    try {
      const isStored = await context.store.patchJob(guard, { state: 'leased', homeId: link.homeId }, context.clock.now());
      if (!isStored) throw fenced(runId);
    } catch (error) {
      job.record = record;
      throw error;
    }
    context.metrics.count('runner_claims_total');
  }
  job.leaseUntilMs = context.clock.monotonicMs() + context.settings.runnerLeaseMs;
  return { job: job.attached.spec };
}
