import { sleep } from '@runbeat/adapter-sdk';
import { isApiError, isStatus, isTransient } from '../cluster/api-error.js';
import { createBackoff } from '../cluster/backoff.js';
import type { JobHandle } from '../handle.js';
import { hasStarted, isFinished, workStatus } from '../outcome/pod-facts.js';
import { markStop, type StopReason } from '../outcome/stop-mark.js';
import type { WirePod } from '../wire.js';
import type { RunObjects } from './read-run.js';
import type { Scope } from './scope.js';

/** What is done next to end a run's work. */
export type StopStep =
  | { readonly kind: 'nothing-left' }
  /** The work runs: SIGTERM now, grace, SIGKILL, and Pod and log stay readable. */
  | { readonly kind: 'lower-deadline'; readonly pod: string }
  /** Not started, or the deadline cannot be lowered: the Job goes, and its Pod with grace. */
  | { readonly kind: 'delete-job' }
  /** The deadline had its time and the Pod is still there. */
  | { readonly kind: 'delete-pod'; readonly pod: string }
  | { readonly kind: 'wait' };

export interface StopFactsNow {
  readonly objects: RunObjects;
  readonly canLowerDeadline: boolean;
  /** When the deadline was lowered; null = not yet. */
  readonly loweredAt: number | null;
  readonly graceMs: number;
  readonly slackMs: number;
  readonly nowMs: number;
}

/** Pure: the next step of a stop, from what the API shows. */
export function planStop(facts: StopFactsNow): StopStep {
  const { job, pods } = facts.objects;
  const live = pods.find((pod) => !isFinished(pod));
  if (job === null && live === undefined) return { kind: 'nothing-left' };
  if (live === undefined) return pods.length > 0 ? { kind: 'nothing-left' } : { kind: 'delete-job' };
  if (workStatus(live)?.state?.terminated != null) return { kind: 'wait' };
  const name = live.metadata?.name ?? '';
  if (live.metadata?.deletionTimestamp != null) return { kind: 'wait' };
  if (!isRunning(live) || !facts.canLowerDeadline) {
    return job?.metadata?.deletionTimestamp != null ? { kind: 'wait' } : { kind: 'delete-job' };
  }
  if (facts.loweredAt === null) return { kind: 'lower-deadline', pod: name };
  const isOverdue = facts.nowMs - facts.loweredAt > facts.graceMs + facts.slackMs;
  return isOverdue ? { kind: 'delete-pod', pod: name } : { kind: 'wait' };
}

function isRunning(pod: WirePod): boolean {
  return hasStarted(pod) && workStatus(pod)?.state?.running != null;
}

export interface StopWorkOptions {
  readonly scope: Scope;
  readonly handle: JobHandle;
  readonly graceMs: number;
  readonly reason: StopReason;
  /** The newest that is known; read from the watch, or asked for. */
  readonly look: () => Promise<RunObjects>;
  /** Called before the first step that ends the work: from here on its end is ours. */
  readonly onAct: () => void;
  readonly signal: AbortSignal;
}

/** Works on the end of a run until nothing of it lives or `signal` aborts; failures of the API are waited for. */
export async function stopWork(options: StopWorkOptions): Promise<'stopped' | 'aborted'> {
  const { scope, handle, graceMs, signal } = options;
  const { timings, now, api } = scope;
  const backoff = createBackoff(timings);
  let loweredAt: number | null = null;
  let canLowerDeadline = true;
  let isMarked = false;
  while (!signal.aborted) {
    let isLowering = false;
    try {
      const step = planStop({
        objects: await options.look(),
        canLowerDeadline,
        loweredAt,
        graceMs,
        slackMs: timings.stopSlackMs,
        nowMs: now(),
      });
      if (step.kind === 'nothing-left') return 'stopped';
      if (!isMarked && step.kind !== 'wait') {
        await markStop(api, handle, options.reason, signal);
        isMarked = true;
      }
      if (step.kind === 'lower-deadline') {
        isLowering = true;
        options.onAct();
        // 1 is below any time that has passed, whatever the clocks of server and node say.
        await api.patchPod(step.pod, { spec: { activeDeadlineSeconds: 1 } }, { signal });
        loweredAt = now();
      }
      if (step.kind === 'delete-job') {
        options.onAct();
        await api.deleteJob(handle.job, { propagationPolicy: 'Foreground', uid: handle.jobUid, signal });
      }
      if (step.kind === 'delete-pod') {
        options.onAct();
        await api.deletePod(step.pod, { gracePeriodSeconds: Math.ceil(graceMs / 1000), signal });
      }
      backoff.reset();
      await sleep(timings.tickMs / 2, signal);
    } catch (error) {
      if (!isApiError(error)) throw error;
      if (isLowering && isStatus(error, 422)) loweredAt = now();
      else if (isLowering && isStatus(error, 403)) canLowerDeadline = false;
      // 404 and 409 (another uid): it is gone; the next look tells.
      if (!isTransient(error) && !isLowering && error.status !== 404 && error.status !== 409 && error.kind === 'status') {
        scope.notify({ type: 'orphan_sweep_failed', message: `Job ${handle.job} cannot be stopped: ${error.message}` });
      }
      await backoff.wait(error, signal);
    }
  }
  return 'aborted';
}
