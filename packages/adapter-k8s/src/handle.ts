import { AdapterError, type ExternalHandleV1, type RunHandleV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';

/** Where a run's Job is, and how its log is written: all that a later server needs beside the agent's config. */
export interface JobHandle {
  readonly namespace: string;
  readonly job: string;
  /** A Job of the same name with another uid is not ours. */
  readonly jobUid: string;
  readonly logs: 'plain' | 'framed';
}

const handleRef = z.object({
  namespace: z.string(),
  job: z.string(),
  jobUid: z.string(),
  logs: z.enum(['plain', 'framed']),
});

export function handleFromJob(facts: JobHandle): ExternalHandleV1 {
  const { namespace, job, jobUid, logs } = facts;
  return { kind: 'external', formatVersion: 1, ref: { namespace, job, jobUid, logs } };
}

/** @throws AdapterError `k8s.handle_unreadable` for a handle of another adapter or of a newer version of this one. */
export function jobFromHandle(handle: RunHandleV1): JobHandle {
  const parsed = handle.kind === 'external' && handle.formatVersion === 1 ? handleRef.safeParse(handle.ref) : null;
  if (parsed?.success) return parsed.data;
  throw new AdapterError(
    'k8s.handle_unreadable',
    `This is no handle that this version of @runbeat/adapter-k8s can read: ${JSON.stringify(handle).slice(0, 200)}. Update the adapter, or delete the Job by hand.`,
  );
}
