import {
  type ExecuteContextV1,
  failureFromError,
  isAdapterError,
  type LivenessV1,
  type ProbeQueryV1,
  type ReattachContextV1,
  type RunResultV1,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { Config } from './config.js';
import { follow } from './follow.js';
import { folderOf, handleFromReference, referenceFromHandle } from './handle.js';
import { quoted, scriptWith, startScript, statusScript } from './remote-scripts.js';
import { resultFromExitCode } from './result.js';
import { type Login, runScript } from './ssh.js';
import { foldersOf, stopRemotely } from './stop.js';

export async function execute(context: ExecuteContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, signal } = context;
  if (signal.aborted) return { status: 'cancelled', forced: false };
  const folder = folderOf(runId, context.attempt);
  const failure = await start(context, folder);
  if (failure) return failure;
  try {
    await context.onSpawn(handleFromReference({ host: config.host, folder }));
  } catch (error) {
    await stopRemotely({ login: config, runId, folder, graceMs: 0 });
    throw error;
  }
  return follow({ login: config, runId, folder, graceMs: config.graceMs, sinks: context, signal, afterCursor: null });
}

export async function reattach(context: ReattachContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, signal, afterCursor } = context;
  const { login, folder } = placeOf(context);
  return follow({ login, runId, folder, graceMs: config.graceMs, sinks: context, signal, afterCursor });
}

/** No connection, no time, no permission: all of that is `unknown`. Only the other host itself can say `gone`. */
export async function probe(query: ProbeQueryV1<Config>): Promise<LivenessV1> {
  const { login, folder } = placeOf(query);
  try {
    const { stdout } = await runScript(login, scriptWith(statusScript, query.runId, folder), { signal: query.signal });
    if (stdout === 'alive') return { state: 'alive' };
    if (stdout === 'gone') return { state: 'gone' };
    const exitCode = /^exit (\d+)$/.exec(stdout)?.[1];
    if (exitCode !== undefined) return { state: 'ended', result: resultFromExitCode(Number(exitCode)) };
    return { state: 'unknown', retryAfterMs: 10_000, message: `${login.host} answered '${stdout.slice(0, 100)}'.` };
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    return { state: 'unknown', retryAfterMs: 10_000, message: error.message };
  }
}

export async function terminate({ runId, handle, config }: TerminateContextV1<Config>): Promise<TerminationV1> {
  if (handle !== null) return stopRemotely({ ...placeOf({ handle, config }), runId, graceMs: config.graceMs });
  // The host was lost before it had a handle: the folder's name begins with the run's id.
  const folder = (await foldersOf(config, runId)).at(-1);
  return folder === undefined
    ? { stopped: 'already_gone' }
    : stopRemotely({ login: config, runId, folder, graceMs: config.graceMs });
}

/** Null = it runs. Started again after a lost answer, it finds its own folder and starts nothing. */
async function start({ config, environment, input }: ExecuteContextV1<Config>, folder: string): Promise<RunResultV1 | null> {
  // Only what is meant for the work: our own PATH and HOME mean nothing over there.
  const variables = { ...config.env, ...environment, ...(input.prompt === null ? {} : { RUNBEAT_PROMPT: input.prompt }) };
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  const script = exports.join('') + scriptWith(startScript, folder, config.cwd ?? '', config.command, ...config.args);
  try {
    const { exitCode, stderr } = await runScript(config, script);
    if (exitCode === 0) return null;
    const message = `The work could not be started on ${config.host}: ${stderr || `exit code ${exitCode}`}`;
    return { status: 'failed', error: { code: 'start_failed', message, retryable: false } };
  } catch (error) {
    if (isAdapterError(error)) return { status: 'failed', error: failureFromError(error) };
    throw error;
  }
}

function placeOf({ handle, config }: Pick<ProbeQueryV1<Config>, 'handle' | 'config'>): { login: Login; folder: string } {
  const { host, folder } = referenceFromHandle(handle);
  return { login: { ...config, host }, folder };
}
