import type { WorkerExitV1 } from '@runbeat/adapter-sdk';
import type { SessionReason } from './session-transitions.js';

/** How the end of a worker is told in the session's status. */
export function reasonFromExit(exit: WorkerExitV1): SessionReason {
  switch (exit.reason) {
    case 'process_exit':
    case 'process_signal':
    case 'oom':
    case 'start_failed':
    case 'stdin_broken':
    case 'write_timeout':
    case 'stop':
      return exit.reason;
    case 'fenced':
    case 'host_shutdown':
      return 'stop';
  }
}

/** An end that nobody saw. */
export function goneExit(message: string): WorkerExitV1 {
  return { exitCode: null, signal: null, reason: 'process_exit', message, stderrTail: '' };
}
