import { AdapterError, type ExternalHandleV1, type RunHandleV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';

/** Where a run's job is. The service's URL is in it, so that a job is found although the agent was configured anew. */
export interface JobReference {
  readonly serviceUrl: string;
  readonly jobId: string;
}

// Loose: the next minor version may add members, and this one has to read them.
const referenceSchema = z.object({ serviceUrl: z.url(), jobId: z.string().min(1) });

export function handleFromReference({ serviceUrl, jobId }: JobReference): ExternalHandleV1 {
  return { kind: 'external', formatVersion: 1, ref: { serviceUrl, jobId } };
}

/** @throws AdapterError `http.handle_unreadable`: it was not made by this adapter, or by a later major version. */
export function referenceFromHandle(handle: RunHandleV1): JobReference {
  const parsed = referenceSchema.safeParse(handle.kind === 'external' ? handle.ref : null);
  if (parsed.success && handle.kind === 'external' && handle.formatVersion === 1) return parsed.data;
  throw new AdapterError(
    'http.handle_unreadable',
    `This handle was not made by a version of adapter-http that is known here: ${JSON.stringify(handle)}`,
  );
}
