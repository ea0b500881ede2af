import { existsSync } from 'node:fs';
import { AdapterError, type ProcessHandleV1, type TerminateContextV1, type TerminationV1 } from '@runbeat/adapter-sdk';
import { endTree, processLife, thisMachine } from '@runbeat/adapter-sdk/processes';
import { readExitRecord } from '../capsule/exit-record.js';
import { type RunFolder, runFolderOf } from '../capsule/run-folder.js';
import { type StopRecord, writeStopRecord } from '../capsule/stop-record.js';
import { storedHandle } from '../capsule/stored-handle.js';
import { defaultGraceMs, defaultSignal, type ProcessSpec } from '../run/process-spec.js';
import { workTree } from '../run/supervised-run.js';

/**
 * Ends everything of a run, by its handle or, without one, by what its folder says. Resolves when nothing is alive.
 * @throws AdapterError `local.other_machine` when the run's processes are on a machine that this one cannot reach.
 */
export async function terminateRun(
  context: Omit<TerminateContextV1, 'config'>,
  spec: ProcessSpec,
  runsDirectory: string,
): Promise<TerminationV1> {
  const folder = runFolderOf(context.handle, runsDirectory, context.runId);
  const handle = handleFor(context, folder);
  if (handle === null) return { stopped: 'already_gone' };
  if (handle.bootId !== thisMachine().bootId) {
    // A restart of this machine ended everything; the pids mean others now.
    if ((await processLife(handle)) === 'gone') return { stopped: 'already_gone' };
    const message = `Run ${context.runId} works on host ${handle.host}, which cannot be reached from here. End process group ${handle.processGroupId} there.`;
    throw new AdapterError('local.other_machine', message, { retryable: true });
  }
  let record: StopRecord = { kind: context.reason === 'timed_out' ? 'timed_out' : 'cancelled', forced: false };
  const note = (next: StopRecord): void => {
    record = next;
    writeStopRecord(folder, next);
  };
  if (existsSync(folder.path) && readExitRecord(folder) === null) note(record);
  return await endTree(workTree({ handle, runId: context.runId }), {
    signal: spec.signal ?? defaultSignal,
    graceMs: spec.graceMs ?? defaultGraceMs,
    onForce: () => existsSync(folder.path) && readExitRecord(folder) === null && note({ ...record, forced: true }),
    abort: context.signal,
  });
}

function handleFor(context: Omit<TerminateContextV1, 'config'>, folder: RunFolder): ProcessHandleV1 | null {
  if (context.handle?.kind === 'process') return context.handle;
  return storedHandle(folder);
}
