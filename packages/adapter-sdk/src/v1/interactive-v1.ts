import type { AgentIdentityV1, LogMarkV1, RunEventV1 } from './execute-context-v1.js';
import type { Json } from './json.js';
import type { RunHandleV1 } from './run-handle-v1.js';
import type { TerminationV1 } from './termination-v1.js';

/** One thing that a worker process said. Each carries the place in the worker's output behind it. */
export type SessionOutputV1 =
  /** The prompt reached the agent and it began to work on it. */
  | { readonly kind: 'acknowledged'; readonly promptId: string }
  /** A piece of the answer, of a thought, of a tool call: whatever the protocol streams. */
  | { readonly kind: 'update'; readonly promptId: string | null; readonly update: Json }
  /** The agent asks the user (permission, question). Kept by the host until it is answered or the prompt settles. */
  | { readonly kind: 'request'; readonly promptId: string | null; readonly requestId: string; readonly request: Json }
  | { readonly kind: 'completed'; readonly promptId: string; readonly result: Json }
  | { readonly kind: 'failed'; readonly promptId: string; readonly code: string; readonly message: string }
  | { readonly kind: 'cancelled'; readonly promptId: string }
  /** A line that the protocol does not allow; the session goes on. */
  | { readonly kind: 'protocol_error'; readonly message: string }
  | { readonly kind: 'stderr'; readonly text: string };

/** How a worker process ended. */
export interface WorkerExitV1 {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason:
    | 'process_exit'
    | 'process_signal'
    | 'oom'
    | 'start_failed'
    | 'stdin_broken'
    | 'write_timeout'
    | 'stop'
    | 'fenced'
    | 'host_shutdown';
  readonly message: string;
  /** The last lines of stderr, at most 4 KiB. */
  readonly stderrTail: string;
}

/** What the host supplies to `open`. One context per worker process. */
export interface SessionContextV1<Config = unknown> {
  readonly sessionId: string;
  /** New for each process start. */
  readonly workerId: string;
  readonly config: Config;
  readonly agent: AgentIdentityV1;
  readonly environment: Readonly<Record<string, string>>;
  /** What the last worker of this session gave as `resumeState`; null for the first. */
  readonly previousSession: Json;
  /** Aborts with an `AbortReasonV1`; `host_shutdown` leaves a surviving worker running. */
  readonly signal: AbortSignal;
  /** As in `ExecuteContextV1`: resolves when the handle is stored. */
  onSpawn(handle: RunHandleV1): Promise<void>;
  /** Hand on what the worker said, in order; await each call. `mark.cursor` is where the next output begins. */
  onOutput(output: SessionOutputV1, mark?: LogMarkV1): Promise<void>;
  onEvent(event: RunEventV1): Promise<void>;
}

/** Take a worker over that an earlier host of the same session started. */
export interface SessionReattachContextV1<Config = unknown> extends SessionContextV1<Config> {
  readonly handle: RunHandleV1;
  readonly afterCursor: string | null;
  /** Prompts that were written and not settled when the earlier host ended; they stay in flight. */
  readonly promptsInFlight: readonly string[];
  /** Requests of the agent that were not answered when the earlier host ended. */
  readonly requestsOpen: readonly string[];
}

/** What a write came to. A successful write proves nothing about the reader; a broken one is a value, not an exception. */
export type SessionWriteV1 =
  | { readonly written: true }
  | { readonly written: false; readonly reason: 'stdin_broken' | 'write_timeout'; readonly message: string };

/** A live worker, as the host's session actor uses it. */
export interface SessionWorkerV1 {
  /** JSON to hand to the next worker of this session, as far as it is known now (an ACP session id). */
  readonly resumeState: Json;
  prompt(promptId: string, prompt: Json): Promise<SessionWriteV1>;
  /** Ask the agent to end the prompt in flight; it settles by `cancelled`, `completed` or `failed`. */
  cancel(promptId: string): Promise<SessionWriteV1>;
  /** Answer a `request`. */
  answer(requestId: string, answer: Json): Promise<SessionWriteV1>;
  /** Close stdin, wait for the grace period, then TERM and KILL. Idempotent. */
  stop(options: { readonly graceMs: number }): Promise<TerminationV1>;
  /** Resolves once, when the process is gone and its output was handed on. Never rejects. */
  readonly exited: Promise<WorkerExitV1>;
}

/** What a worker and its adapter speak; it says what prompts, updates and requests look like. */
export type InteractiveProtocolV1 = 'json-rpc-lines' | 'acp';

/** The capability of an adapter that can keep a conversation over stdin. See `docs/adapter-authors/sessions.md`. */
export interface InteractiveV1<Config = unknown> {
  /** The protocol of its conversations, unless `protocolFor` says otherwise. */
  readonly protocol: InteractiveProtocolV1;
  /**
   * The protocol that an agent with this config speaks; null = this agent takes single runs only, and `open` would
   * refuse it. Called by the host before `open` and to describe an agent. Absent = `protocol` for every config.
   */
  protocolFor?(config: Config): InteractiveProtocolV1 | null;
  /** Start a worker. Rejects with an `AdapterError` of code `start_failed` when it cannot; nothing stays alive then. */
  open(context: SessionContextV1<Config>): Promise<SessionWorkerV1>;
  /** Absent = a worker does not survive its host. Null = it is gone. */
  reattach?(context: SessionReattachContextV1<Config>): Promise<SessionWorkerV1 | null>;
}
