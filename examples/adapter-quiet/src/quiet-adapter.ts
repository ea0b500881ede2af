import {
  type AbortReasonV1,
  type ExecuteContextV1,
  processHandle,
  type RunResultV1,
  sleep,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { Config } from './config.js';
import { openOutputFiles } from './output-files.js';
import { endProcessTree, processesOf } from './process-tree.js';
import { type Exit, startWorkload, type Workload } from './workload.js';

/** Starts the program and watches it: its output as it comes, and a sign of life while there is none. */
export async function execute(context: ExecuteContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, signal } = context;
  if (signal.aborted) return { status: 'cancelled', forced: false };
  let workload: Workload;
  try {
    workload = await startWorkload(context);
  } catch (error) {
    const message = `${config.command} could not be started: ${(error as Error).message}. Is it installed and in PATH?`;
    return { status: 'failed', error: { code: 'start_failed', message, retryable: false } };
  }
  try {
    await context.onSpawn(processHandle(workload.pid, { leadsGroup: true }));
    return await watch(workload, context);
  } catch (error) {
    // The host refused the handle or gave the run up: nothing may go on that nobody can find.
    await endProcessTree(runId, 0);
    throw error;
  }
}

async function watch(workload: Workload, context: ExecuteContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, signal } = context;
  const output = await openOutputFiles(workload.files, context);
  // While output flows we look often; a program that is silent is left alone until the next sign of life is due.
  let nextAliveAt = Date.now() + config.aliveEveryMs;
  try {
    while (workload.exit === null && !signal.aborted) {
      const hasSpoken = await output.deliver();
      if (hasSpoken) nextAliveAt = Date.now() + config.aliveEveryMs;
      else if (Date.now() >= nextAliveAt) {
        // Proof, not habit: the program is looked for, and only what runs is called alive.
        if (processesOf(runId).length > 0) await context.onAlive();
        nextAliveAt = Date.now() + config.aliveEveryMs;
      }
      await Promise.race([sleep(50, signal), workload.exited]);
    }
    if (workload.exit !== null) {
      await output.finish();
      workload.discard();
      return resultFromExit(workload.exit);
    }
    const reason = signal.reason as AbortReasonV1;
    if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') return { status: 'detached' };
    const forced = (await endProcessTree(runId, config.graceMs)).stopped === 'forced';
    await output.finish();
    workload.discard();
    return reason.kind === 'timed_out'
      ? { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced }
      : { status: 'cancelled', forced };
  } finally {
    await output.close();
  }
}

/** Found by the run's id alone: the handle is not even needed. */
export async function terminate({ runId, config }: TerminateContextV1<Config>): Promise<TerminationV1> {
  return endProcessTree(runId, config.graceMs);
}

function resultFromExit({ exitCode, signal }: Exit): RunResultV1 {
  if (exitCode === 0) return { status: 'succeeded' };
  if (signal !== null) {
    return {
      status: 'failed',
      error: { code: 'killed_by_signal', message: `The program was ended by ${signal}.`, retryable: false, signal },
    };
  }
  const code = exitCode ?? 1;
  return {
    status: 'failed',
    error: { code: 'exit_nonzero', message: `The program ended with exit code ${code}.`, retryable: false, exitCode: code },
  };
}
