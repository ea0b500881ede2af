import type { RunOutcomeV1 } from '@runbeat/adapter-sdk';
import type { WireJob } from '../wire.js';
import type { StopFacts } from './outcome-from-pod.js';
import { stopOutcome } from './outcome-from-pod.js';
import { jobCondition } from './pod-facts.js';

/** How a run came out whose Pod is gone, as far as its Job tells; null while the Job says nothing. */
export function outcomeFromJob(job: WireJob, stop: StopFacts | null, maxRuntimeMs: number): RunOutcomeV1 | null {
  if (jobCondition(job, 'Complete')) return { status: 'succeeded' };
  const failure = jobCondition(job, 'Failed');
  if (!failure) return null;
  if (stop?.isActedOn) return stopOutcome(stop, undefined);
  if (failure.reason === 'DeadlineExceeded') return { status: 'timed_out', limitMs: maxRuntimeMs, forced: true };
  return {
    status: 'failed',
    error: {
      code: 'pod_deleted',
      message: `The Pod of Job ${job.metadata?.name} is gone and the Job says only: ${failure.reason}: ${failure.message}. Look in the cluster's audit log for who removed it.`,
      retryable: failure.reason === 'PodFailurePolicy',
    },
  };
}

/** Nobody but a person, or a tool, deletes the Job of a run that works. */
export function jobDeletedOutcome(jobName: string): RunOutcomeV1 {
  return {
    status: 'failed',
    error: {
      code: 'k8s.job_deleted',
      message: `Somebody deleted the Job ${jobName} while the run worked. Cancel runs through Runbeat instead, and look in the cluster's audit log for who did it.`,
      retryable: false,
    },
  };
}
