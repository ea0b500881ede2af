import { AdapterError, type TerminateContextV1, type TerminationV1 } from '@runbeat/adapter-sdk';
import type { K8sConfig } from './config.js';
import { logModeOf } from './config.js';
import { type JobHandle, jobFromHandle } from './handle.js';
import { annotationNames, runSelector } from './job/job-names.js';
import { workStatus } from './outcome/pod-facts.js';
import { type RunObjects, readRun } from './run/read-run.js';
import { retryCall } from './run/retry-call.js';
import type { Scope, Scopes } from './run/scope.js';
import { planStop, stopWork } from './run/stop-work.js';
import { removeJob } from './start.js';
import type { WireJob } from './wire.js';

/**
 * Ends a run by its handle, or by its id when no handle was stored. When it resolves nothing of the run is alive.
 * @throws AdapterError `k8s.terminate_unconfirmed` when that could not be made sure of before the signal aborted.
 */
export async function terminateRun(scopes: Scopes, context: TerminateContextV1<K8sConfig>): Promise<TerminationV1> {
  const known = context.handle === null ? null : jobFromHandle(context.handle);
  const scope = await scopes.of(context.config, known?.namespace);
  const { timings, now } = scope;
  const { signal } = context;
  try {
    const retry = { timings, now, signal, limitMs: Number.POSITIVE_INFINITY };
    const handles = known ? [known] : await retryCall(() => jobsOfRun(scope, context), retry);
    const results: TerminationV1['stopped'][] = [];
    for (const handle of handles) results.push(await terminateJob(scope, handle, context));
    const worst = (['forced', 'graceful'] as const).find((each) => results.includes(each));
    return { stopped: worst ?? 'already_gone' };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new AdapterError(
      'k8s.terminate_unconfirmed',
      `Whether anything of run ${context.runId} still works could not be made sure of in time: ${String(error)}. Try again; \`kubectl get pods -l ${runSelector(context.runId, scope.instance)}\` shows what is left.`,
      { retryable: true, cause: error },
    );
  }
}

async function jobsOfRun(scope: Scope, context: TerminateContextV1<K8sConfig>): Promise<JobHandle[]> {
  const jobs = await scope.api.listJobs(runSelector(context.runId, scope.instance), { signal: context.signal });
  const isOfRun = (job: WireJob): boolean => job.metadata?.annotations?.[annotationNames.runId] === context.runId;
  return jobs.filter(isOfRun).map((job) => ({
    namespace: scope.api.namespace,
    job: job.metadata?.name ?? '',
    jobUid: job.metadata?.uid ?? '',
    logs: logModeOf(context.config),
  }));
}

async function terminateJob(
  scope: Scope,
  handle: JobHandle,
  { config, signal, reason }: TerminateContextV1<K8sConfig>,
): Promise<TerminationV1['stopped']> {
  const { timings, now } = scope;
  const graceMs = config.gracePeriodSeconds * 1000;
  let last: RunObjects | null = null;
  const look = async (): Promise<RunObjects> => {
    const objects = await readRun(scope, handle, { signal });
    // A Pod's last state is remembered: afterwards it may be gone.
    if (last === null || objects.pods.length > 0) last = objects;
    return objects;
  };
  const first = await retryCall(look, { timings, now, signal, limitMs: Number.POSITIVE_INFINITY });
  const plan = planStop({
    objects: first,
    canLowerDeadline: true,
    loweredAt: null,
    graceMs,
    slackMs: timings.stopSlackMs,
    nowMs: now(),
  });
  if (plan.kind === 'nothing-left') return 'already_gone';
  const stopReason = reason === 'timed_out' ? { kind: 'timed_out' as const, limitMs: 0 } : { kind: 'cancelled' as const };
  const ended = await stopWork({ scope, handle, graceMs, reason: stopReason, look, onAct: () => {}, signal });
  if (ended === 'aborted') throw new AdapterError('k8s.terminate_unconfirmed', `Job ${handle.job} had not ended in time.`);
  await removeJob(scope, handle);
  const exits = ((last as RunObjects | null)?.pods ?? []).map((pod) => workStatus(pod)?.state?.terminated?.exitCode);
  return exits.includes(137) ? 'forced' : 'graceful';
}
