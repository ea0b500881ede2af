import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AdapterError, type SessionContextV1, type SessionWorkerV1, sleep } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import { type Capsule, launchCapsule } from '../capsule/launch.js';
import { runFolder } from '../capsule/run-folder.js';
import { lookUpCommand } from '../command-lookup.js';
import type { LocalConfig } from '../config.js';
import { defaultSpoolLimitBytes, type ProcessSpec } from '../run/process-spec.js';
import { runEnvironment } from '../run/run-environment.js';
import { workTree } from '../run/supervised-run.js';
import { spoolStart } from '../spool/spool-cursor.js';
import { acpSessionIdOf } from './acp-connection.js';
import { type ProtocolState, writeProtocolState } from './protocol-state.js';
import {
  type SessionOptions,
  sessionSpec,
  type TalkingWorker,
  talkTo,
  type WatchedCapsule,
  watchCapsule,
} from './session-parts.js';
import { workerExit } from './worker-exit.js';

/** How long an agent may take to start and to open its session. Some load models or sign in meanwhile. */
const openDeadlineMs = 60_000;

/**
 * Starts a worker and opens its conversation.
 * @throws AdapterError `start_failed` when it cannot; nothing stays alive then. Also rethrows what `onSpawn` rejects with.
 */
export async function openSession(context: SessionContextV1<LocalConfig>, options: SessionOptions): Promise<SessionWorkerV1> {
  const { config } = context;
  if (config.interactive === undefined) throw notInteractive();
  const spec = sessionSpec(config);
  const cwd = resolve(spec.cwd ?? process.cwd());
  const { capsule, watched } = await startCapsule(context, spec, cwd, options);
  let talking: TalkingWorker | null = null;
  try {
    await waitForStdin(watched);
    const start = { state: null, promptsInFlight: [], requestsOpen: [], from: spoolStart };
    talking = talkTo(context, watched, start, options);
    const state = await openProtocol(context, talking, cwd);
    writeProtocolState(watched.folder, state);
    talking.begin(state);
    return talking.worker;
  } catch (error) {
    await endTree(workTree({ handle: capsule.handle, runId: context.workerId }), { signal: 'SIGTERM', graceMs: 2_000 });
    if (talking === null) closeWatch(watched);
    else await talking.worker.exited;
    throw startFailed(error, watched);
  }
}

function notInteractive(): AdapterError {
  const message = 'This agent’s config has no `interactive` section. Set interactive.protocol to "acp" or "json-rpc-lines".';
  return new AdapterError('start_failed', message);
}

async function startCapsule(
  context: SessionContextV1<LocalConfig>,
  spec: ProcessSpec,
  cwd: string,
  options: SessionOptions,
): Promise<{ readonly capsule: Capsule; readonly watched: WatchedCapsule }> {
  if (process.platform === 'win32')
    throw new AdapterError('start_failed', 'Conversations of the local adapter need a POSIX system.');
  const environment = runEnvironment({ environment: context.environment, runId: context.workerId }, spec);
  const command = lookUpCommand({ command: spec.command, cwd, environment });
  if (!command.found) throw new AdapterError('start_failed', command.message);
  const folder = runFolder(options.runsDirectory, context.workerId);
  if (existsSync(folder.path)) throw new AdapterError('start_failed', `The worker id ${context.workerId} was used before.`);
  const capsule = await launch({
    folder,
    command: command.path,
    args: spec.args ?? [],
    cwd,
    environment,
    stdin: 'fifo',
    fileLimitBytes: spec.spoolLimitBytes ?? defaultSpoolLimitBytes,
  });
  const watched = watchCapsule(context, folder, capsule.handle, capsule.exited);
  try {
    await context.onSpawn(capsule.handle);
  } catch (error) {
    capsule.abandon();
    await endTree(workTree({ handle: capsule.handle, runId: context.workerId }), { signal: 'SIGTERM', graceMs: 1_000 });
    closeWatch(watched);
    throw error;
  }
  capsule.release();
  return { capsule, watched };
}

async function launch(spec: Parameters<typeof launchCapsule>[0]): Promise<Capsule> {
  try {
    return await launchCapsule(spec);
  } catch (error) {
    const message = `The worker could not be set up in ${spec.folder.path}: ${(error as Error).message}`;
    throw new AdapterError('start_failed', message, { retryable: true, cause: error });
  }
}

/** Until the command has its stdin open, "nobody reads" would say nothing of the command. */
async function waitForStdin({ folder, phase, wake }: WatchedCapsule): Promise<void> {
  const deadline = Date.now() + openDeadlineMs;
  while (!existsSync(folder.opened)) {
    if (await phase.hasEnded()) throw new AdapterError('start_failed', 'The agent ended before it was ready.');
    if (Date.now() > deadline) throw new AdapterError('start_failed', 'The agent’s stdin was not opened in time.');
    await wake.next(true);
  }
}

async function openProtocol(context: SessionContextV1<LocalConfig>, talking: TalkingWorker, cwd: string): Promise<ProtocolState> {
  const { connection, worker } = talking;
  if (connection === null) return { protocol: 'json-rpc-lines' };
  const timer = new AbortController();
  const exited = worker.exited.then((exit) => {
    throw new AdapterError('start_failed', exit.message);
  });
  const late = sleep(openDeadlineMs, timer.signal).then(() => {
    throw new AdapterError('start_failed', `The agent did not open a session within ${openDeadlineMs / 1_000} s.`);
  });
  // Two of the three are never waited for.
  for (const loser of [exited, late]) loser.catch(() => {});
  try {
    const opened = connection.open({ cwd, earlierSessionId: acpSessionIdOf(context.previousSession) });
    opened.catch(() => {});
    return { protocol: 'acp', acpSessionId: await Promise.race([opened, exited, late]) };
  } finally {
    timer.abort();
  }
}

function closeWatch({ phase, wake }: WatchedCapsule): void {
  phase.close();
  wake.close();
}

/** The reason, and what the agent itself had to say. */
function startFailed(error: unknown, { folder, phase }: WatchedCapsule): AdapterError {
  const { message, stderrTail } = workerExit(phase.end, null, folder);
  const said = stderrTail.trim() === '' ? '' : ` Its last words: ${stderrTail.trim().slice(-500)}`;
  const reason = error instanceof Error ? error.message : String(error);
  const exit = message === '' || reason.includes(message) ? '' : ` ${message}`;
  return new AdapterError('start_failed', `${reason}${exit}${said}`, { cause: error });
}
