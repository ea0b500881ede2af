import { constants } from 'node:os';
import type { AbortReasonV1, RunResultV1 } from '@runbeat/adapter-sdk';

/** What a shell's `$?` says about a command: 126 and 127 = it could not be started, 128 + n = it was ended by signal n. */
export function resultFromExitCode(exitCode: number): RunResultV1 {
  if (exitCode === 0) return { status: 'succeeded' };
  const failed = (code: string, message: string, more: { signal?: string } = {}): RunResultV1 => ({
    status: 'failed',
    error: { code, message, retryable: false, exitCode, ...more },
  });
  if (exitCode === 127)
    return failed('start_failed', 'The command was not found on the other host. Is it installed there, and in PATH?');
  if (exitCode === 126) return failed('start_failed', 'The command may not be run on the other host. Is it executable?');
  const signal = exitCode > 128 ? signalName(exitCode - 128) : undefined;
  if (signal !== undefined) return failed('killed_by_signal', `The command was ended by ${signal}.`, { signal });
  return failed('exit_nonzero', `The command ended with exit code ${exitCode}.`);
}

export function resultFromAbort(reason: AbortReasonV1, forced: boolean): RunResultV1 {
  if (reason.kind === 'timed_out') return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced };
  return { status: 'cancelled', forced };
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
