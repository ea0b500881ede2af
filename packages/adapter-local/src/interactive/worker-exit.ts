import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { WorkerExitV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import type { RunEnd } from '../run/outcome.js';

/** What came first and made an end of a worker from this side. */
export interface ExitCause {
  readonly reason: Extract<WorkerExitV1['reason'], 'stop' | 'stdin_broken' | 'write_timeout' | 'fenced' | 'host_shutdown'>;
  readonly message: string;
}

const tailBytes = 4_096;

/** @param end null = the worker was left to live on. */
export function workerExit(end: RunEnd | null, cause: ExitCause | null, folder: RunFolder): WorkerExitV1 {
  const natural = end === null ? null : naturalExit(end);
  return {
    exitCode: natural?.exitCode ?? null,
    signal: natural?.signal ?? null,
    reason: cause?.reason ?? natural?.reason ?? 'host_shutdown',
    message: cause === null ? (natural?.message ?? '') : [cause.message, natural?.message ?? ''].join(' ').trim(),
    stderrTail: readTail(folder.stderr),
  };
}

function naturalExit(end: RunEnd): Omit<WorkerExitV1, 'stderrTail'> {
  switch (end.kind) {
    case 'exited':
      return {
        exitCode: end.exitCode,
        signal: null,
        reason: 'process_exit',
        message: `The agent ended with exit code ${end.exitCode}.`,
      };
    case 'signalled':
      return { exitCode: null, signal: end.signal, reason: 'process_signal', message: `The agent was ended by ${end.signal}.` };
    case 'vanished':
      return {
        exitCode: null,
        signal: end.signal,
        reason: 'process_signal',
        message: 'The agent’s processes are gone and left no exit status.',
      };
    case 'exec_failed':
      return {
        exitCode: end.status,
        signal: null,
        reason: 'start_failed',
        message: 'The agent’s program could not be executed.',
      };
    case 'not_started':
      return { exitCode: null, signal: null, reason: 'start_failed', message: 'The host ended before the agent was started.' };
  }
}

/** The last lines of stderr, whole where they fit. */
function readTail(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    const text = tail.toString('utf8');
    return size > tailBytes ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    closeSync(fd);
  }
}
