import type { AgentIdentityV1, RunSinksV1 } from './execute-context-v1.js';
import type { LivenessV1 } from './liveness-v1.js';
import type { RunHandleV1 } from './run-handle-v1.js';
import type { RunInputV1 } from './run-input-v1.js';
import type { RunResultV1 } from './run-result-v1.js';
import type { TerminationV1 } from './termination-v1.js';

/** A question about work that an earlier host may have started. No side effect; answer before `signal` aborts. */
export interface ProbeQueryV1<Config = unknown> {
  readonly runId: string;
  readonly handle: RunHandleV1;
  readonly config: Config;
  readonly signal: AbortSignal;
}

/** Take over work that an earlier host started. Settles like the `execute` that was cut off would have. */
export interface ReattachContextV1<Config = unknown> extends RunSinksV1 {
  readonly runId: string;
  readonly attempt: number;
  readonly handle: RunHandleV1;
  readonly config: Config;
  readonly agent: AgentIdentityV1;
  readonly input: RunInputV1;
  readonly environment: Readonly<Record<string, string>>;
  /** The `cursor` of the last stored record; null = nothing was stored, deliver from the start. */
  readonly afterCursor: string | null;
  /** Aborts with an `AbortReasonV1`. */
  readonly signal: AbortSignal;
}

/** End work by its handle alone. `signal` bounds the whole call. */
export interface TerminateContextV1<Config = unknown> {
  readonly runId: string;
  /** Null when the host was lost before `onSpawn`: find it by the run id, or answer `already_gone`. */
  readonly handle: RunHandleV1 | null;
  readonly config: Config;
  /** Why; `timed_out`, `cancelled`, `lost`: for the adapter's own records. */
  readonly reason: string;
  readonly signal: AbortSignal;
}

/** Work that can be asked about and taken over by its handle. */
export interface HandleLivenessV1<Config = unknown> {
  readonly kind: 'handle';
  probe(query: ProbeQueryV1<Config>): Promise<LivenessV1>;
  reattach(context: ReattachContextV1<Config>): Promise<RunResultV1>;
  terminate(context: TerminateContextV1<Config>): Promise<TerminationV1>;
}

/** Work that cannot be asked: `onLog` and `onAlive` are the only proof that it lives. */
export interface LogDrivenLivenessV1<Config = unknown> {
  readonly kind: 'log-driven';
  readonly probe?: never;
  readonly reattach?: never;
  terminate(context: TerminateContextV1<Config>): Promise<TerminationV1>;
}

export type OutOfProcessV1<Config = unknown> = HandleLivenessV1<Config> | LogDrivenLivenessV1<Config>;
