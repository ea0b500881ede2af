import { AdapterError, type ExternalHandleV1, type RunHandleV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';

/** Where a run's files are. How to log in is the config's matter: no key or user name belongs into a handle. */
export interface RemoteReference {
  readonly host: string;
  /** Relative to the home folder over there. */
  readonly folder: string;
}

const referenceSchema = z.object({ host: z.string().min(1), folder: z.string().min(1) });

export function handleFromReference({ host, folder }: RemoteReference): ExternalHandleV1 {
  return { kind: 'external', formatVersion: 1, ref: { host, folder } };
}

/** @throws AdapterError `ssh.handle_unreadable`: it was not made by this adapter, or by a later major version. */
export function referenceFromHandle(handle: RunHandleV1): RemoteReference {
  const parsed = referenceSchema.safeParse(handle.kind === 'external' && handle.formatVersion === 1 ? handle.ref : null);
  if (parsed.success) return parsed.data;
  throw new AdapterError(
    'ssh.handle_unreadable',
    `This handle was not made by a version of adapter-ssh that is known here: ${JSON.stringify(handle)}`,
  );
}

/** The folder of an attempt: made from the run's id, so that it is found even when the handle was never stored. */
export function folderOf(runId: string, attempt: number): string {
  const safe = runId.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return `.runbeat-ssh/${safe}.${attempt}`;
}
