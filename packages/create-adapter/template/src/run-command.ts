import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import {
  type AbortReasonV1,
  createUtf8Decoder,
  type ExecuteContextV1,
  processHandle,
  type RunResultV1,
  workloadEnvironment,
} from '@runbeat/adapter-sdk';
import type { Config } from './config.js';
import { stopProcessTree } from './stop-process-tree.js';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
type Exit = { readonly exitCode: number | null; readonly signal: NodeJS.Signals | null; readonly startError: Error | null };

/** How long to wait for output after the end: a daemon that the command left may hold the pipes open for ever. */
const drainLimitMs = 2_000;

/** The adapter's `execute`: start the command, hand its output on, and tell how it ended. */
export async function runCommand(context: ExecuteContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, signal } = context;
  if (signal.aborted) return resultFromAbort(signal.reason, false);
  const child = start(context);
  const exited = exitOf(child);
  const { pid } = child;
  if (pid === undefined) return startFailed(config.command, await exited);

  // Every call gives the same stop, which goes on until nothing of the run is left.
  let stopping: Promise<{ forced: boolean }> | undefined;
  const stop = (): Promise<{ forced: boolean }> => (stopping ??= stopProcessTree({ runId, pid, graceMs: config.graceMs }));
  // Whether it worked shows below, where it is awaited.
  const onAbort = (): void => void stop().catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    // Rule 1: the host stores the handle before it hears any output.
    await context.onSpawn(processHandle(pid, { leadsGroup: true }));
    const [exit] = await Promise.all([
      exited,
      forward(child, 'stdout', context),
      forward(child, 'stderr', context),
      endOfOutput(child, exited),
    ]);
    return signal.aborted ? resultFromAbort(signal.reason, (await stop()).forced) : resultFromExit(exit);
  } catch (error) {
    // The host refused the handle or gave the run up: nothing may go on without it.
    await stopProcessTree({ runId, pid, graceMs: 0 });
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function start({ config, input, ...context }: ExecuteContextV1<Config>): Child {
  const child = spawn(config.command, config.args, {
    ...(config.cwd === undefined ? {} : { cwd: config.cwd }),
    env: workloadEnvironment(context, config.env),
    // A process group of its own, so that a signal reaches the children of the command, too.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program may end without reading its prompt. Its exit code tells more than our broken pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(input.prompt ?? '');
  return child;
}

function exitOf(child: Child): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (startError) => resolve({ exitCode: null, signal: null, startError }));
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, startError: null }));
  });
}

async function forward(child: Child, stream: 'stdout' | 'stderr', context: ExecuteContextV1<Config>): Promise<void> {
  const decoder = createUtf8Decoder();
  // Reading goes on only after the host took the piece: a fast program waits for a slow host.
  for await (const bytes of readUntilDestroyed(child[stream])) {
    for (const { text } of decoder.pushPieces(bytes)) await context.onLog(stream, text);
  }
  const rest = decoder.flush();
  if (rest !== '') await context.onLog(stream, rest);
}

async function* readUntilDestroyed(stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** Closes the pipes when somebody else still holds them a while after the end. */
async function endOfOutput(child: Child, exited: Promise<Exit>): Promise<void> {
  await exited;
  const timer = setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, drainLimitMs);
  child.once('close', () => clearTimeout(timer));
}

function resultFromExit({ exitCode, signal }: Exit): RunResultV1 {
  if (exitCode === 0) return { status: 'succeeded' };
  if (signal !== null) {
    return {
      status: 'failed',
      error: { code: 'killed_by_signal', message: `The command was ended by ${signal}.`, retryable: false, signal },
    };
  }
  const code = exitCode ?? 1;
  return {
    status: 'failed',
    error: { code: 'exit_nonzero', message: `The command ended with exit code ${code}.`, retryable: false, exitCode: code },
  };
}

function resultFromAbort(reason: AbortReasonV1, forced: boolean): RunResultV1 {
  if (reason.kind === 'timed_out') return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced };
  return { status: 'cancelled', forced };
}

function startFailed(command: string, { startError }: Exit): RunResultV1 {
  const message = `${command} could not be started: ${startError?.message ?? 'unknown reason'}. Is it installed, in PATH, and is the folder there?`;
  return { status: 'failed', error: { code: 'start_failed', message, retryable: false } };
}
