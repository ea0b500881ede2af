import { workContainer } from '../job/job-spec.js';
import type { WireContainerStatus, WireJob, WireJobCondition, WirePod, WirePodCondition } from '../wire.js';

export function podCondition(pod: WirePod, type: string): WirePodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** A Job condition that holds. */
export function jobCondition(job: WireJob | null, type: string): WireJobCondition | undefined {
  return job?.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function workStatus(pod: WirePod): WireContainerStatus | undefined {
  return pod.status?.containerStatuses?.find((status) => status.name === workContainer);
}

/** The work container ran at some time: there is a log to read. */
export function hasStarted(pod: WirePod): boolean {
  const state = workStatus(pod)?.state;
  return state?.running != null || (state?.terminated != null && state.terminated.reason !== 'ContainerStatusUnknown');
}

export function isFinished(pod: WirePod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isJobFinished(job: WireJob | null): boolean {
  return jobCondition(job, 'Complete') !== undefined || jobCondition(job, 'Failed') !== undefined;
}
