import type { RunFailureV1, RunOutcomeV1 } from '@runbeat/adapter-sdk';
import type { ExitRecord } from '../capsule/exit-record.js';
import type { StopRecord } from '../capsule/stop-record.js';

/** How the processes of a run ended, as far as it can be known. */
export type RunEnd =
  | ExitRecord
  /** Capsule and command are gone without an exit record; the signal is known only to the host that started them. */
  | { readonly kind: 'vanished'; readonly signal: string | null };

/** Everything that decides an outcome. */
export interface EndFacts {
  readonly end: RunEnd;
  /** Null = no host stopped the run. */
  readonly stop: StopRecord | null;
  /** Size of the larger spool file. */
  readonly largestBytes: number;
  readonly spoolLimitBytes: number;
  readonly command: string;
}

/** How the run ended. Pure: `execute`, a later `reattach` and `probe` give the same. */
export function outcomeFromEnd(facts: EndFacts): RunOutcomeV1 {
  const { end, stop } = facts;
  if (stop !== null) {
    return stop.kind === 'cancelled'
      ? { status: 'cancelled', forced: stop.forced }
      : { status: 'timed_out', limitMs: stop.limitMs ?? 0, forced: stop.forced };
  }
  if (facts.largestBytes > facts.spoolLimitBytes) return { status: 'failed', error: limitExceeded(facts) };
  switch (end.kind) {
    case 'exited':
      return end.exitCode === 0 ? { status: 'succeeded' } : { status: 'failed', error: exitNonzero(end.exitCode) };
    case 'signalled':
      return { status: 'failed', error: killedBySignal(end.signal, facts) };
    case 'exec_failed':
      return { status: 'failed', error: execFailed(end.status, facts.command) };
    case 'not_started':
      return { status: 'failed', error: notStarted };
    case 'vanished':
      return { status: 'failed', error: end.signal === null ? vanished : killedBySignal(end.signal, facts) };
  }
}

function exitNonzero(exitCode: number): RunFailureV1 {
  return { code: 'exit_nonzero', message: `The command ended with exit code ${exitCode}.`, retryable: false, exitCode };
}

function killedBySignal(signal: string, facts: EndFacts): RunFailureV1 {
  if (signal === 'SIGXFSZ') {
    const message = `A file that the command wrote grew over ${facts.spoolLimitBytes} bytes. Raise spoolLimitBytes, which bounds each of its files.`;
    return { code: 'local.file_size_limit', message, retryable: false, signal };
  }
  const hint = signal === 'SIGKILL' ? ' If nobody did that by hand, look for the out-of-memory killer in the kernel log.' : '';
  return { code: 'killed_by_signal', message: `The command was ended by ${signal}.${hint}`, retryable: false, signal };
}

function limitExceeded(facts: EndFacts): RunFailureV1 {
  const message = `The command wrote more than ${facts.spoolLimitBytes} bytes to one output stream and was ended. Let it print less, or raise spoolLimitBytes.`;
  return { code: 'log_limit_exceeded', message, retryable: false };
}

function execFailed(status: number, command: string): RunFailureV1 {
  const message =
    status === 126
      ? `${JSON.stringify(command)} cannot be executed: make it executable (chmod +x) and check that its interpreter exists.`
      : `${JSON.stringify(command)} or the interpreter in its first line was not found.`;
  return { code: 'start_failed', message, retryable: false, exitCode: status };
}

const notStarted: RunFailureV1 = {
  code: 'start_failed',
  message: 'The host ended before the command was let go; nothing of it was run, so it can safely be run again.',
  retryable: true,
};

const vanished: RunFailureV1 = {
  code: 'process_lost',
  message: 'The processes of the run are gone and left no exit status: they were ended by SIGKILL, or the machine restarted.',
  retryable: false,
};
