import { existsSync } from 'node:fs';
import type { ReattachContextV1, RunFailureV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { runFolderOf } from '../capsule/run-folder.js';
import type { ProcessSpec } from '../run/process-spec.js';
import { superviseRun } from '../run/supervise.js';
import { openSpoolPatiently } from '../spool/open-spool.js';
import { parseSpoolCursor } from '../spool/spool-cursor.js';
import { createWake } from '../spool/wake.js';

/** What taking a run over needs of its context, whatever the adapter's config is. */
export type TakeOverContext = Omit<ReattachContextV1<unknown>, 'config'>;

/** Goes on where the host that started the run was cut off; also for a run that has ended in the meantime. */
export async function reattachRun(context: TakeOverContext, spec: ProcessSpec, runsDirectory: string): Promise<RunResultV1> {
  const { handle, runId } = context;
  const folder = runFolderOf(handle, runsDirectory, runId);
  if (handle.kind !== 'process') return lost(`A handle of kind ${handle.kind} is not one of this adapter.`);
  if (!existsSync(folder.stdout)) return lost(`The folder of the run, ${folder.path}, is gone, and its output with it.`);
  return await superviseRun({
    runId,
    folder,
    handle,
    spec,
    sinks: context,
    signal: context.signal,
    spool: await openSpoolPatiently(folder, parseSpoolCursor(context.afterCursor), context.signal),
    wake: createWake(folder.path),
  });
}

function lost(message: string): RunResultV1 {
  const error: RunFailureV1 = { code: 'process_lost', message, retryable: false };
  return { status: 'failed', error };
}
