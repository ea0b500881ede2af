import type { AdapterV1, RunHandleV1 } from '@runbeat/adapter-sdk';
import type { RunnerJobSpec, RunnerLogLine } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';

/** What a job gives for its work, be it a run or a session's worker. */
export interface ExecutionOptions {
  readonly spec: RunnerJobSpec;
  /** How many processes of this runner began it; 0 = none. */
  readonly starts: number;
  readonly handle: RunHandleV1 | null;
  /** Looked up anew whenever it is needed: an adapter may be installed while a job waits for it. */
  findAdapter(): AdapterV1 | null;
  readonly clock: RunnerClock;
  readonly probeRetryMs: number;
  readonly graceMs: number;
  /** Resolves when it is written down that work may have begun. */
  markStarted(): Promise<void>;
  storeHandle(handle: RunHandleV1): Promise<void>;
  append(line: RunnerLogLine): Promise<void>;
  /** The adapter's cursor behind the last line that is kept. */
  lastCursor(): string | null;
  /** Proof of life by the adapter. */
  alive(): void;
  readonly signal: AbortSignal;
}
