import type { Json } from './json.js';
import type { OutputStreamV1 } from './output-stream-v1.js';
import type { RunHandleV1 } from './run-handle-v1.js';
import type { RunInputV1 } from './run-input-v1.js';

/** The agent that runs, as far as an adapter may know it. */
export interface AgentIdentityV1 {
  readonly id: string;
  readonly companyId: string;
  readonly name: string;
  readonly role: string;
}

/** A place in the output from which it can be read again, and the time of the text where the source knows it. */
export interface LogMarkV1 {
  /** Opaque to the host, stored with the text in one append; at most 1 KiB. */
  readonly cursor?: string;
  /** ISO time at which the work wrote the text; absent = now. */
  readonly at?: string;
}

/** Something worth telling that is not output: a retry inside the adapter, a Pod that waits for a node. */
export interface RunEventV1 {
  /** `lower_snake_case` or dotted, prefixed by the adapter's type where it is the adapter's own. */
  readonly type: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly data?: Json;
}

/** What `execute` and `reattach` have in common: the sinks to report to. All of them are supplied by the host. */
export interface RunSinksV1 {
  /**
   * Hand on output. Await each call: that is the back-pressure. Whole UTF-8 characters, at most 64 KiB of text a call,
   * in the order of the stream, never after `execute` settled. Rejects only when the host gave the run up.
   */
  onLog(stream: OutputStreamV1, text: string, mark?: LogMarkV1): Promise<void>;
  /** Proof of life without output. Call as often as there is proof; the host throttles. */
  onAlive(): Promise<void>;
  onEvent(event: RunEventV1): Promise<void>;
}

/**
 * Everything an adapter gets for one run. Made by the host per attempt; two runs never share one.
 * @typeParam Config what `configSchema` gives.
 */
export interface ExecuteContextV1<Config = unknown> extends RunSinksV1 {
  readonly runId: string;
  /** 1 for the first execution of this run id; raised when the host starts it anew. */
  readonly attempt: number;
  /** Parsed by the adapter's `configSchema`, secrets resolved. */
  readonly config: Config;
  readonly agent: AgentIdentityV1;
  readonly input: RunInputV1;
  /** What the last run of this task key returned as `session`; null when there is none. */
  readonly previousSession: Json;
  /** `RUNBEAT_*` variables for the workload: API URL, run id, run token. Hand them on, do not print them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborts with an `AbortReasonV1`. */
  readonly signal: AbortSignal;
  /**
   * Announce where the work can be found, before the first `onLog` and at most once per attempt. When it resolves the
   * handle is stored. When it rejects, stop what was just started and rethrow.
   */
  onSpawn(handle: RunHandleV1): Promise<void>;
}
