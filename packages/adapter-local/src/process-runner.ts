import type { LivenessV1, ProbeQueryV1, RunResultV1, TerminateContextV1, TerminationV1 } from '@runbeat/adapter-sdk';
import { defaultRunsDirectory, type RunFolder, runFolder, runFolderOf } from './capsule/run-folder.js';
import { createFolderRetention, type FolderRetention } from './recover/folder-retention.js';
import { probeRun } from './recover/probe.js';
import { reattachRun, type TakeOverContext } from './recover/reattach.js';
import { terminateRun } from './recover/terminate.js';
import type { ProcessSpec } from './run/process-spec.js';
import { type StartContext, startRun } from './run/start.js';

export interface ProcessRunnerOptions {
  /** Parent of the runs' folders. Default `$RUNBEAT_HOME/runs`, else `~/.runbeat/runs`. */
  readonly runsDirectory?: string;
  /** How long the folder of an ended run stays after its result was returned, in milliseconds. Default 600,000. */
  readonly keepReturnedMs?: number;
}

/** Where runs are kept; read at each call, since the environment may be set after this module was loaded. */
export function runsDirectoryOf(options: ProcessRunnerOptions): string {
  return options.runsDirectory ?? defaultRunsDirectory();
}

/** What decides when folders go; one per process and runs directory. */
export function retentionOf(options: ProcessRunnerOptions): FolderRetention {
  return createFolderRetention({
    runsDirectory: () => runsDirectoryOf(options),
    ...(options.keepReturnedMs === undefined ? {} : { keepReturnedMs: options.keepReturnedMs }),
  });
}

/**
 * Runs commands that survive this process. One object serves any number of runs at once; for authors of CLI adapters,
 * who make a `ProcessSpec` from their own config and hand the four calls of `adapter-v1` on.
 */
export interface ProcessRunner {
  /** For `execute`. Settles when the command and, after a stop, its whole tree has ended; never rejects for what it did. */
  run(context: StartContext, spec: ProcessSpec): Promise<RunResultV1>;
  /** For `outOfProcess.probe`. Of the spec, what judges an end is used: `createParser`, `spoolLimitBytes`, `command`. */
  probe(query: Omit<ProbeQueryV1, 'config'>, spec: ProcessSpec): Promise<LivenessV1>;
  /** For `outOfProcess.reattach`. Of the spec also `graceMs` and `signal` are used. */
  reattach(context: TakeOverContext, spec: ProcessSpec): Promise<RunResultV1>;
  /** For `outOfProcess.terminate`. */
  terminate(context: Omit<TerminateContextV1, 'config'>, spec: ProcessSpec): Promise<TerminationV1>;
}

export function createProcessRunner(options: ProcessRunnerOptions = {}, retention = retentionOf(options)): ProcessRunner {
  const runsDirectory = (): string => runsDirectoryOf(options);
  const settle = async (folder: RunFolder, result: RunResultV1): Promise<RunResultV1> => {
    if (result.status !== 'detached') retention.returned(folder);
    await retention.sweep();
    return result;
  };
  return {
    run: async (context, spec) =>
      await settle(runFolder(runsDirectory(), context.runId), await startRun(context, spec, runsDirectory())),
    probe: async (query, spec) => await probeRun(query, spec, runsDirectory()),
    reattach: async (context, spec) =>
      await settle(
        runFolderOf(context.handle, runsDirectory(), context.runId),
        await reattachRun(context, spec, runsDirectory()),
      ),
    terminate: async (context, spec) => await terminateRun(context, spec, runsDirectory()),
  };
}

/** One runner with the default folder, made at the first call. */
let shared: ProcessRunner | null = null;

/**
 * Runs one command in a capsule below the default folder: `execute` of a CLI adapter in one line. An adapter that also
 * answers for runs of an earlier host (`probe`, `reattach`, `terminate`) makes itself a `createProcessRunner`.
 */
export async function runProcess(context: StartContext, spec: ProcessSpec): Promise<RunResultV1> {
  shared ??= createProcessRunner();
  return await shared.run(context, spec);
}
