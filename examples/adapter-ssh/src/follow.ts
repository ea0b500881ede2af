import {
  type AbortReasonV1,
  AdapterError,
  createUtf8Decoder,
  isAdapterError,
  type RunResultV1,
  type RunSinksV1,
  sleep,
  type Utf8Decoder,
} from '@runbeat/adapter-sdk';
import { createFrameReader, type Frame } from './frame-reader.js';
import { followScript, scriptWith } from './remote-scripts.js';
import { resultFromAbort, resultFromExitCode } from './result.js';
import { exitCodeOf, type Login, openScript, unreachable } from './ssh.js';
import { stopRemotely } from './stop.js';

export interface Following {
  readonly login: Login;
  readonly runId: string;
  readonly folder: string;
  readonly graceMs: number;
  readonly sinks: RunSinksV1;
  readonly signal: AbortSignal;
  /** The cursor of the last stored piece; null = from the start. */
  readonly afterCursor: string | null;
}

/** The end of the work, as far as it is known over there. */
type End = Frame & { kind: 'exit' | 'gone' };
type Decoders = Record<'stdout' | 'stderr', Utf8Decoder>;

/**
 * Hands on what is written to the files of a run until the work has ended. A connection that breaks changes nothing about
 * the work: it is opened again and goes on at the byte where it broke.
 */
export async function follow(following: Following): Promise<RunResultV1> {
  const { signal } = following;
  const decoders = decodersFrom(following.afterCursor);
  const end = await untilEnd(following, decoders, signal);
  if (end !== 'aborted') return resultFromEnd(end, following);
  const reason = signal.reason as AbortReasonV1;
  if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') return { status: 'detached' };
  const { stopped } = await persistently(following, () => stopRemotely(following));
  // What it printed while it was stopped belongs to the run, too.
  const lateEnd = await untilEnd(following, decoders, new AbortController().signal);
  if (stopped === 'already_gone' && lateEnd !== 'aborted' && lateEnd.kind === 'exit') return resultFromEnd(lateEnd, following);
  return resultFromAbort(reason, stopped === 'forced');
}

function untilEnd(following: Following, decoders: Decoders, signal: AbortSignal): Promise<End | 'aborted'> {
  return persistently(following, () => overOneConnection(following, decoders, signal), { signal, value: 'aborted' });
}

/**
 * Tries again while the other host cannot be reached, and tells of it once.
 * @param onAbort what to give when the signal aborts between two attempts; absent = go on until it works.
 */
async function persistently<Value>(
  { sinks }: Following,
  attempt: () => Promise<Value>,
  onAbort?: { readonly signal: AbortSignal; readonly value: Value },
): Promise<Value> {
  for (let failures = 0; ; failures += 1) {
    try {
      const value = await attempt();
      if (failures > 0)
        await sinks.onEvent({ type: 'ssh.connection_back', level: 'info', message: 'The other host answers again.' });
      return value;
    } catch (error) {
      if (!isAdapterError(error) || error.code !== 'ssh.unreachable') throw error;
      if (failures === 0) await sinks.onEvent({ type: 'ssh.connection_lost', level: 'warn', message: error.message });
      const waitMs = Math.min(30_000, 500 * 2 ** failures);
      if ((await sleep(waitMs, onAbort?.signal)) === 'aborted' && onAbort) return onAbort.value;
    }
  }
}

/** Rejects with `ssh.unreachable` when the connection ends before the work does. */
async function overOneConnection(following: Following, decoders: Decoders, signal: AbortSignal): Promise<End | 'aborted'> {
  if (signal.aborted) return 'aborted';
  const { login, runId, folder, sinks } = following;
  // Bytes of a character that was cut by the end of the last connection are read again.
  for (const stream of ['stdout', 'stderr'] as const)
    decoders[stream] = createUtf8Decoder({ startOffset: decoders[stream].offset });
  const child = openScript(
    login,
    scriptWith(followScript, runId, folder, String(decoders.stdout.offset), String(decoders.stderr.offset)),
  );
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const exited = exitCodeOf(child);
  exited.catch(() => {});
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr = (stderr + bytes.toString('utf8')).slice(-1_000);
  });
  const frames = createFrameReader();
  try {
    for await (const bytes of child.stdout as AsyncIterable<Buffer>) {
      for (const frame of frames.push(bytes)) {
        // After an abort nothing more is handed on: fenced means that the run is somebody else's.
        if (signal.aborted) return 'aborted';
        if (frame.kind === 'output') await handOn(frame, decoders, sinks);
        else if (frame.kind === 'alive') await sinks.onAlive();
        else {
          await handOnRest(decoders, sinks);
          return frame;
        }
      }
    }
    await exited;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
  if (signal.aborted) return 'aborted';
  throw unreachable(login, stderr.trim() || 'the connection ended');
}

async function handOn({ stream, bytes }: Frame & { kind: 'output' }, decoders: Decoders, sinks: RunSinksV1): Promise<void> {
  for (const { text, endOffset } of decoders[stream].pushPieces(bytes)) {
    const offsets = { o: decoders.stdout.offset, e: decoders.stderr.offset, [stream === 'stdout' ? 'o' : 'e']: endOffset };
    await sinks.onLog(stream, text, { cursor: JSON.stringify(offsets) });
  }
}

/** Bytes at the very end that are no whole character. */
async function handOnRest(decoders: Decoders, sinks: RunSinksV1): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = decoders[stream].flush();
    const offsets = { o: decoders.stdout.offset, e: decoders.stderr.offset };
    if (text !== '') await sinks.onLog(stream, text, { cursor: JSON.stringify(offsets) });
  }
}

function decodersFrom(cursor: string | null): Decoders {
  const { o, e } = cursor === null ? { o: 0, e: 0 } : offsetsFrom(cursor);
  return { stdout: createUtf8Decoder({ startOffset: o }), stderr: createUtf8Decoder({ startOffset: e }) };
}

function offsetsFrom(cursor: string): { o: number; e: number } {
  const { o, e } = JSON.parse(cursor) as { o?: unknown; e?: unknown };
  if (Number.isSafeInteger(o) && Number.isSafeInteger(e)) return { o: o as number, e: e as number };
  throw new AdapterError('ssh.cursor_unreadable', `This cursor was not made by adapter-ssh: ${cursor}`);
}

function resultFromEnd(end: End, { folder, login }: Following): RunResultV1 {
  if (end.kind === 'exit') return resultFromExitCode(end.exitCode);
  const message = `Nothing is left of the work on ${login.host} (${folder}), and nothing tells how it ended. Was the host restarted?`;
  return { status: 'failed', error: { code: 'process_lost', message, retryable: false } };
}
