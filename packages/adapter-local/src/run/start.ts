import { existsSync, rmSync } from 'node:fs';
import type { AbortReasonV1, ExecuteContextV1, RunFailureV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import { type Capsule, launchCapsule } from '../capsule/launch.js';
import { type RunFolder, runFolder } from '../capsule/run-folder.js';
import { storedHandle } from '../capsule/stored-handle.js';
import { lookUpCommand } from '../command-lookup.js';
import { openSpool, type Spool } from '../spool/open-spool.js';
import { spoolStart } from '../spool/spool-cursor.js';
import { createWake } from '../spool/wake.js';
import { defaultSpoolLimitBytes, type ProcessSpec } from './process-spec.js';
import { runEnvironment } from './run-environment.js';
import { superviseRun } from './supervise.js';
import { workTree } from './supervised-run.js';

/** What a run needs of its context, whatever the adapter's config is. */
export type StartContext = Omit<ExecuteContextV1<unknown>, 'config'>;

/** Runs a command in a capsule, from the first check to its result. Rejects only when `onSpawn` or `onLog` does. */
export async function startRun(context: StartContext, spec: ProcessSpec, runsDirectory: string): Promise<RunResultV1> {
  const early = resultIfAborted(context.signal);
  if (early !== null) return early;
  if (process.platform === 'win32') return startFailed('The local adapter needs a POSIX system. Use the type local-attached.');
  const cwd = spec.cwd ?? process.cwd();
  const environment = runEnvironment(context, spec);
  const command = lookUpCommand({ command: spec.command, cwd, environment });
  if (!command.found) return startFailed(command.message);

  const folder = runFolder(runsDirectory, context.runId);
  let capsule: Capsule;
  try {
    await clearFolder(folder, context.runId);
    capsule = await launchCapsule({
      folder,
      command: command.path,
      args: spec.args ?? [],
      cwd,
      environment,
      stdin: spec.stdin === undefined || spec.stdin === null ? null : { text: spec.stdin },
      fileLimitBytes: spec.spoolLimitBytes ?? defaultSpoolLimitBytes,
    });
  } catch (error) {
    return setUpFailed(error as NodeJS.ErrnoException, folder);
  }
  const tree = workTree({ handle: capsule.handle, runId: context.runId });
  const abandon = async (): Promise<void> => {
    capsule.abandon();
    await endTree(tree, { signal: 'SIGTERM', graceMs: 1_000 });
  };
  let spool: Spool;
  try {
    // Before anything runs: without a descriptor to read with, it had better not start.
    spool = openSpool(folder, spoolStart);
  } catch (error) {
    await abandon();
    return setUpFailed(error as NodeJS.ErrnoException, folder);
  }
  const wake = createWake(folder.path);
  try {
    await context.onSpawn(capsule.handle);
  } catch (error) {
    wake.close();
    spool.close();
    await abandon();
    throw error;
  }
  // From here on the handle is stored: whoever comes next finds the run, so even a host on its way out lets it start.
  if (isStopped(context.signal)) capsule.abandon();
  else capsule.release();
  return await superviseRun({
    runId: context.runId,
    folder,
    handle: capsule.handle,
    spec,
    sinks: context,
    signal: context.signal,
    spool,
    wake,
    capsuleExited: capsule.exited,
  });
}

function isStopped(signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const { kind } = signal.reason as AbortReasonV1;
  return kind === 'cancelled' || kind === 'timed_out' || kind === 'fenced';
}

/** Aborted before anything was started: nothing needs to be stopped. */
function resultIfAborted(signal: AbortSignal): RunResultV1 | null {
  if (!signal.aborted) return null;
  const reason = signal.reason as AbortReasonV1;
  switch (reason.kind) {
    case 'cancelled':
      return { status: 'cancelled', forced: false };
    case 'timed_out':
      return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced: false };
    case 'host_shutdown':
    case 'fenced':
      return { status: 'detached' };
  }
}

/**
 * An earlier attempt of this run id may have left its folder, and a host that lost its memory may even have left the
 * work: one run is never executed twice at once.
 */
async function clearFolder(folder: RunFolder, runId: string): Promise<void> {
  if (!existsSync(folder.path)) return;
  const handle = storedHandle(folder);
  if (handle !== null) await endTree(workTree({ handle, runId }), { signal: 'SIGTERM', graceMs: 1_000 });
  rmSync(folder.path, { recursive: true, force: true });
}

/** What passes by itself: too many processes or open files, no memory, no space. */
const passingCodes: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT']);

function setUpFailed(error: NodeJS.ErrnoException, folder: RunFolder): RunResultV1 {
  if (error.code === 'E2BIG') {
    return startFailed('Arguments and variables are larger than the system allows. Hand large texts over by stdin or in a file.');
  }
  return startFailed(`The run could not be set up in ${folder.path}: ${error.message}`, passingCodes.has(error.code));
}

/** Nothing was run, for a reason that the message names together with its remedy. */
export function startFailed(message: string, retryable = false): RunResultV1 {
  const error: RunFailureV1 = { code: 'start_failed', message, retryable };
  return { status: 'failed', error };
}
