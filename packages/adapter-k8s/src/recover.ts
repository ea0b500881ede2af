import {
  type AbortReasonV1,
  isAdapterError,
  type LivenessV1,
  type ProbeQueryV1,
  type ReattachContextV1,
  type RunOutcomeV1,
  type RunResultV1,
} from '@runbeat/adapter-sdk';
import { isApiError, isStatus } from './cluster/api-error.js';
import { createBackoff } from './cluster/backoff.js';
import type { K8sConfig } from './config.js';
import { type JobHandle, jobFromHandle } from './handle.js';
import { annotationNames } from './job/job-names.js';
import { parseShimExit } from './logs/frames.js';
import { jobDeletedOutcome, outcomeFromJob } from './outcome/outcome-from-job.js';
import { outcomeFromPod } from './outcome/outcome-from-pod.js';
import { isFinished, isJobFinished, workStatus } from './outcome/pod-facts.js';
import { stopFromJob } from './outcome/stop-mark.js';
import { isJobGone, type RunObjects, readRun } from './run/read-run.js';
import type { Scope, Scopes } from './run/scope.js';
import { superviseRun } from './run/supervise-run.js';
import { claimJob, releaseJob, startFailure } from './start.js';
import type { WireJob } from './wire.js';

const probeAgainMs = 15_000;

/** Asks what became of a run; changes nothing. Whatever could not be found out is `unknown`. */
export async function probeRun(scopes: Scopes, query: ProbeQueryV1<K8sConfig>): Promise<LivenessV1> {
  try {
    const handle = jobFromHandle(query.handle);
    const scope = await scopes.of(query.config, handle.namespace);
    const objects = await readRun(scope, handle, { signal: query.signal });
    const outcome = endedOutcome(objects, handle, query.config);
    if (outcome !== null) return { state: 'ended', result: outcome };
    const isLive = objects.job !== null || objects.pods.some((pod) => !isFinished(pod));
    if (isLive || !(await isJobGone(scope, handle, query.signal))) return { state: 'alive' };
    return { state: 'gone' };
  } catch (error) {
    if (!isApiError(error) && !isAdapterError(error)) throw error;
    const retryAfterMs = isApiError(error) ? (error.retryAfterMs ?? probeAgainMs) : probeAgainMs * 4;
    return { state: 'unknown', retryAfterMs, message: `The Job could not be asked about: ${error.message}` };
  }
}

/** The outcome of a run that has ended, as far as its objects tell; null while it has not. */
function endedOutcome({ job, pods }: RunObjects, handle: JobHandle, config: K8sConfig): RunOutcomeV1 | null {
  const maxRuntimeMs = config.maxRuntimeSeconds * 1000;
  const pod = pods[0];
  const stop = stopFromJob(job);
  if (pod && isFinished(pod)) {
    const shimExit = handle.logs === 'framed' ? parseShimExit(workStatus(pod)?.state?.terminated?.message ?? '') : null;
    const outcome = outcomeFromPod({ pod, shimExit, stop, maxRuntimeMs });
    return job === null && outcome?.status === 'failed' ? jobDeletedOutcome(handle.job) : outcome;
  }
  return pod === undefined && job !== null && isJobFinished(job) ? outcomeFromJob(job, stop, maxRuntimeMs) : null;
}

/** Takes a run over: marks the Job as ours, goes on with its creation where that was cut off, and watches over it. */
export async function reattachRun(scopes: Scopes, context: ReattachContextV1<K8sConfig>): Promise<RunResultV1> {
  const handle = jobFromHandle(context.handle);
  const scope = await scopes.of(context.config, handle.namespace);
  const claimed = await claim(scope, handle, context.signal);
  if (claimed.kind === 'lost') return { status: 'detached' };
  if (claimed.job !== null) {
    try {
      await releaseJob(scope, handle, claimed.job, context, context.signal);
    } catch (error) {
      if (!isApiError(error)) throw error;
      // Deleted meanwhile, or an end was asked for: the supervision finds out and says so.
      if (!context.signal.aborted && !isStatus(error, 404)) return { status: 'failed', error: startFailure(error, scope) };
    }
  }
  return superviseRun({
    scope,
    handle,
    config: context.config,
    sinks: context,
    afterCursor: context.afterCursor,
    signal: context.signal,
  });
}

type Claim = { readonly kind: 'ours'; readonly job: WireJob | null } | { readonly kind: 'lost' };

/** Of several that take a run over at once, the one whose mark was written first wins; the others leave it alone. */
async function claim(scope: Scope, handle: JobHandle, signal: AbortSignal): Promise<Claim> {
  const backoff = createBackoff(scope.timings);
  const leaving = leavingSignal(signal);
  let seenOwner: string | null = null;
  while (!leaving.aborted) {
    try {
      // An end that was asked for does not stop the claim: the run has to be ours to be ended.
      const { job } = await readRun(scope, handle, { signal: leaving });
      if (job === null) return { kind: 'ours', job };
      const owner = job.metadata?.annotations?.[annotationNames.owner] ?? '';
      if (owner === scope.owner) return { kind: 'ours', job };
      if (seenOwner !== null && owner !== seenOwner) return { kind: 'lost' };
      seenOwner = owner;
      return { kind: 'ours', job: await claimJob(scope, job, leaving) };
    } catch (error) {
      if (!isApiError(error)) throw error;
      // 409: written by somebody since we read it, by the Job controller or by another claim; look again.
      if (isStatus(error, 409)) continue;
      // Without the right to patch nothing is marked, which only matters with several servers.
      if (isStatus(error, 403) && seenOwner !== null) return { kind: 'ours', job: null };
      await backoff.wait(error, leaving);
    }
  }
  return { kind: 'lost' };
}

/** Aborts only for the reasons that leave the work running. */
function leavingSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const check = (): void => {
    const kind = (signal.reason as AbortReasonV1 | undefined)?.kind;
    if (kind !== 'cancelled' && kind !== 'timed_out') controller.abort();
  };
  if (signal.aborted) check();
  else signal.addEventListener('abort', check, { once: true });
  return controller.signal;
}
