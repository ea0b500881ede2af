import { existsSync } from 'node:fs';
import type { LivenessV1, ProbeQueryV1, ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { processLife } from '@runbeat/adapter-sdk/processes';
import { readExitRecord } from '../capsule/exit-record.js';
import { type RunFolder, runFolderOf } from '../capsule/run-folder.js';
import { readStopRecord } from '../capsule/stop-record.js';
import { commandLife, findEnd } from '../run/end-watch.js';
import type { ProcessSpec } from '../run/process-spec.js';
import { resultFromFolder } from '../run/run-result.js';

const retryAfterMs = 15_000;

/** Whether a run lives, from its folder and its pids. No side effect. */
export async function probeRun(
  query: Omit<ProbeQueryV1, 'config'>,
  spec: ProcessSpec,
  runsDirectory: string,
): Promise<LivenessV1> {
  const { handle } = query;
  if (handle.kind !== 'process') return unknown(`A handle of kind ${handle.kind} is not one of this adapter.`);
  if (query.signal.aborted) return unknown('The time for the probe was over before it began.');
  const folder = runFolderOf(handle, runsDirectory, query.runId);
  try {
    return await judge(folder, handle, spec);
  } catch (error) {
    return unknown(`The run's folder ${folder.path} could not be read: ${(error as Error).message}`);
  }
}

async function judge(folder: RunFolder, handle: ProcessHandleV1, spec: ProcessSpec): Promise<LivenessV1> {
  const end = await findEnd(folder, handle);
  if (end !== null) {
    // Gone without a word is an end as well while its output is there: it is fetched before the run is given up.
    const isKnown = end.kind !== 'vanished' || readStopRecord(folder) !== null || existsSync(folder.stdout);
    return isKnown ? { state: 'ended', result: await resultFromFolder(folder, end, spec) } : { state: 'gone' };
  }
  const lives = [await processLife(handle), await commandLife(folder, handle)];
  if (lives.includes('alive')) return { state: 'alive' };
  // It may have ended between both looks.
  if (readExitRecord(folder) !== null) return await judge(folder, handle, spec);
  return unknown(`Process ${handle.pid} of host ${handle.host} cannot be seen from here.`);
}

function unknown(message: string): LivenessV1 {
  return { state: 'unknown', retryAfterMs, message };
}
