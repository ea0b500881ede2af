import { isStatus } from '../cluster/api-error.js';
import type { KubeApi } from '../cluster/kube-api.js';
import type { JobHandle } from '../handle.js';
import { annotationNames } from '../job/job-names.js';
import type { WireJob } from '../wire.js';
import type { StopFacts } from './outcome-from-pod.js';

export type StopReason = StopFacts['reason'];

/** Writes on the Job why it is being ended, before it is: a server that dies in between leaves no riddle. */
export async function markStop(api: KubeApi, handle: JobHandle, reason: StopReason, signal: AbortSignal): Promise<void> {
  const annotations = { [annotationNames.stop]: JSON.stringify(reason) };
  try {
    await api.patchJob(handle.job, { metadata: { uid: handle.jobUid, annotations } }, { signal });
  } catch (error) {
    // Gone, another one, or no right to patch: ending it matters more than the mark.
    if (![403, 404, 409, 422].some((status) => isStatus(error, status))) throw error;
  }
}

/** The stop that a Job is marked with, by this server or another. */
export function stopFromJob(job: WireJob | null): StopFacts | null {
  const text = job?.metadata?.annotations?.[annotationNames.stop];
  if (text === undefined) return null;
  try {
    const reason = JSON.parse(text) as { kind?: unknown; limitMs?: unknown };
    const isLimit = reason.kind === 'timed_out' && typeof reason.limitMs === 'number';
    return {
      reason: isLimit ? { kind: 'timed_out', limitMs: reason.limitMs as number } : { kind: 'cancelled' },
      isActedOn: true,
    };
  } catch {
    return { reason: { kind: 'cancelled' }, isActedOn: true };
  }
}
