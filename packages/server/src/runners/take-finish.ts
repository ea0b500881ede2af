import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerResult } from '@runbeat/protocol';
import { assignWaitingJobs } from './assign-job.js';
import type { DeskJob } from './desk-job.js';
import type { RunnerContext } from './runner-context.js';
import { requireJob, requireSession } from './session-guard.js';
import { tellEvent } from './sweep-jobs.js';

export interface FinishRequest {
  readonly sessionId: string;
  readonly leaseEpoch: number;
  readonly result: RunnerResult;
  readonly logBytes: number;
  readonly chain: string;
}

export type FinishAnswer =
  | { readonly kind: 'accepted' }
  /** The run is not settled in the database yet: the runner keeps everything and asks again. */
  | { readonly kind: 'pending'; readonly retryAfterMs: number }
  | { readonly kind: 'resend'; readonly from: number };

const PENDING_RETRY_MS = 1_000;

/**
 * `POST …/jobs/:runId/finish`. Accepted is said only when the run's end is committed: until then a crash of this server
 * may forget the result and a part of the log, and the runner's copy is the only one.
 */
export async function takeFinish(
  context: RunnerContext,
  runnerId: string,
  runId: string,
  request: FinishRequest,
): Promise<FinishAnswer> {
  const link = requireSession(context, runnerId, request.sessionId);
  const job = await requireJob(context, link, runId, request.leaseEpoch);
  if (job?.intake && !job.isSettled) {
    const plan = await job.intake.finish(request.logBytes, request.chain);
    if (plan.kind === 'resend') return plan;
    if (!job.isSettled) acceptResult(context, job, request, plan.isLogEqual);
  }
  if (!(await isRunEnded(context, runId))) return { kind: 'pending', retryAfterMs: PENDING_RETRY_MS };
  await closeJob(context, runId, request.leaseEpoch);
  return { kind: 'accepted' };
}

function acceptResult(context: RunnerContext, job: DeskJob, request: FinishRequest, isLogEqual: boolean): void {
  if (!isLogEqual) {
    context.metrics.count('runner_log_mismatches_total');
    tellEvent(context, job, {
      type: 'runner_log_mismatch',
      level: 'error',
      message: `The stored log is not the one that runner ${job.record.runnerId} has; its disk lost or changed something.`,
      data: { runnerBytes: request.logBytes, runnerChain: request.chain },
    });
  }
  context.metrics.count('runner_finishes_total', { status: request.result.status });
  job.settledAtMs = context.clock.monotonicMs();
  job.settle(resultFromWire(request.result));
  // Its slot is free.
  assignWaitingJobs(context);
  context.announceChange();
}

/** Leaves members out that are `undefined`; JSON had none, only the schema's type knows them. */
function resultFromWire(result: RunnerResult): RunResultV1 {
  return JSON.parse(JSON.stringify(result)) as RunResultV1;
}

/** Waits a moment for the supervisor's commit, so that most finishes are answered at once. */
async function isRunEnded(context: RunnerContext, runId: string): Promise<boolean> {
  const endMs = context.clock.monotonicMs() + context.settings.runnerFinishWaitMs;
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 200)) {
    if ((await context.runStatus(runId)) !== 'active') return true;
    if (context.isStopping || context.clock.monotonicMs() + waitMs > endMs) return false;
    await new Promise<void>((resolve) => {
      context.clock.setTimer(waitMs, resolve);
    });
  }
}

async function closeJob(context: RunnerContext, runId: string, leaseEpoch: number): Promise<void> {
  await context.store.patchJob({ runId, leaseEpoch }, { state: 'done' }, context.clock.now());
  context.jobs.delete(runId);
}
