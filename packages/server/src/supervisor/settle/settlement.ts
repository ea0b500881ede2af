import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { TerminalRunStatus } from '../model/index.js';

/** How a run is to be closed: decided by an execution, by recovery or by a cancel, written by `settleRun`. */
export interface Settlement {
  readonly status: TerminalRunStatus;
  /** Null only when it succeeded. `message` is shown to people. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What the adapter reported (usage, session, summary); null when no adapter answered. */
  readonly result: RunResultV1 | null;
  /** Whether the kind of end allows a second try; `planRetry` decides. */
  readonly retry: 'never' | 'process_lost' | 'transient';
  /** With `transient`: no sooner than this ISO time; null = no such time is known. */
  readonly retryNotBefore: string | null;
  /** Facts for the run's event, beside status and error. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>> | null;
}

const closed = { exitCode: null, signal: null, result: null, retry: 'never', retryNotBefore: null, detail: null } as const;

/** A run that ended in failure for a reason that the host knows. */
export function failedSettlement(code: string, message: string, rest: Partial<Settlement> = {}): Settlement {
  return { ...closed, ...rest, status: 'failed', error: { code, message } };
}

export function cancelledSettlement(message: string, rest: Partial<Settlement> = {}): Settlement {
  return { ...closed, ...rest, status: 'cancelled', error: { code: 'cancelled', message } };
}

export function timedOutSettlement(message: string, rest: Partial<Settlement> = {}): Settlement {
  return { ...closed, ...rest, status: 'timed_out', error: { code: 'timeout', message } };
}
