import { isStatus } from '../cluster/api-error.js';
import type { CallContext } from '../cluster/kube-api.js';
import type { JobHandle } from '../handle.js';
import type { WireJob, WirePod } from '../wire.js';
import type { Scope } from './scope.js';

/** A run's objects as the API tells them now. `job: null` = it is not there (any more), or another one of its name is. */
export interface RunObjects {
  readonly job: WireJob | null;
  readonly pods: readonly WirePod[];
}

export async function readRun(scope: Scope, handle: JobHandle, context: CallContext = {}): Promise<RunObjects> {
  const job = await getOrNull(scope.api.getJob(handle.job, context));
  const pods = await scope.api.listPods(`batch.kubernetes.io/job-name=${handle.job}`, context);
  return { job: job?.metadata?.uid === handle.jobUid ? job : null, pods: podsOf(handle, pods) };
}

/** Believed only from two answers on connections of their own: a stale proxy or cache must not end a run. */
export async function isJobGone(scope: Scope, handle: JobHandle, signal: AbortSignal): Promise<boolean> {
  for (let witness = 0; witness < 2; witness += 1) {
    const job = await getOrNull(scope.api.getJob(handle.job, { signal, isFresh: true }));
    if (job !== null && job.metadata?.uid === handle.jobUid) return false;
  }
  return true;
}

export async function isPodGone(scope: Scope, pod: { name: string; uid: string }, signal: AbortSignal): Promise<boolean> {
  for (let witness = 0; witness < 2; witness += 1) {
    const found = await getOrNull(scope.api.getPod(pod.name, { signal, isFresh: true }));
    if (found !== null && found.metadata?.uid === pod.uid) return false;
  }
  return true;
}

/** The Pods of this very Job, oldest first: a run is bound to the first. */
export function podsOf(handle: JobHandle, pods: readonly WirePod[]): WirePod[] {
  return pods
    .filter((pod) => pod.metadata?.ownerReferences?.some((owner) => owner.uid === handle.jobUid))
    .sort((a, b) => creationTime(a) - creationTime(b));
}

function creationTime(pod: WirePod): number {
  return Date.parse(pod.metadata?.creationTimestamp ?? '') || 0;
}

async function getOrNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
}
