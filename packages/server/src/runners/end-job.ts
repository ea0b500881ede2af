import type { AbortReasonV1 } from '@runbeat/adapter-sdk';
import type { RunnerAbort } from '@runbeat/protocol';
import type { DeskJob } from './desk-job.js';
import type { RunnerContext } from './runner-context.js';
import { notifyLink } from './runner-link.js';
import { abandonJob } from './sweep-jobs.js';

/** Hands the aborts of whoever follows the job on to its runner. The answer takes the listener away again. */
export function obeyAborts(context: RunnerContext, job: DeskJob, signal: AbortSignal): () => void {
  const onAbort = (): void => {
    const reason = signal.reason as AbortReasonV1;
    if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') letGo(context, job);
    else cancelJob(context, job, abortFromReason(reason));
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  return () => signal.removeEventListener('abort', onAbort);
}

/** This server stops following the job; the runner goes on and finds whoever follows it next. */
function letGo(context: RunnerContext, job: DeskJob): void {
  context.jobs.delete(job.record.runId);
  job.settle({ status: 'detached' });
}

/** Tells the runner to stop the work, or takes the offer back that nobody has claimed. The first reason wins. */
export function cancelJob(context: RunnerContext, job: DeskJob, abort: RunnerAbort): void {
  if (job.isSettled) return;
  job.cancel ??= abort;
  if (job.record.state === 'offered') {
    // Nobody claimed it: nothing runs anywhere.
    context.track('withdraw an offer', abandonJob(context, job));
    job.settle(
      abort.kind === 'timed_out'
        ? { status: 'timed_out', limitMs: abort.limitMs ?? 0, forced: false }
        : { status: 'cancelled', forced: false },
    );
    return;
  }
  const link = job.record.runnerId === null ? undefined : context.links.get(job.record.runnerId);
  if (link) notifyLink(link);
}

function abortFromReason(reason: AbortReasonV1): RunnerAbort {
  return {
    kind: reason.kind === 'timed_out' ? 'timed_out' : 'cancelled',
    message: reason.message ?? null,
    limitMs: reason.limitMs ?? null,
    graceMs: null,
  };
}
