import {
  type AbortReasonV1,
  AdapterError,
  type AdapterV1,
  type AgentIdentityV1,
  type ExecuteContextV1,
  InternalError,
  type Json,
  type LogMarkV1,
  type OutputStreamV1,
  type ReattachContextV1,
  type RunEventV1,
  type RunHandleV1,
  type RunInputV1,
  type RunResultV1,
} from '@runbeat/adapter-sdk';
import { type ContractViolation, handleViolations, logViolations } from './contract-violation.js';

export type RecordedCall =
  | { readonly kind: 'spawn'; readonly handle: RunHandleV1 }
  | { readonly kind: 'log'; readonly stream: OutputStreamV1; readonly text: string; readonly mark: LogMarkV1 }
  | { readonly kind: 'alive' }
  | { readonly kind: 'event'; readonly event: RunEventV1 };

export interface RecordingContextOptions<Config> {
  /** Parsed config, as the host would give it. */
  readonly config: Config;
  /** Default: a new one for each context. */
  readonly runId?: string;
  /** Default 1. */
  readonly attempt?: number;
  readonly agent?: Partial<AgentIdentityV1>;
  readonly input?: Partial<RunInputV1>;
  readonly previousSession?: Json;
  /** Added to `RUNBEAT_RUN_ID` and `RUNBEAT_RUN_TOKEN`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Given = the signal has aborted with it before the run starts. */
  readonly abortReason?: AbortReasonV1;
  /** Stands in for the host's work behind a call, to delay it or to refuse it. Runs after the call was recorded. */
  readonly onSpawn?: (handle: RunHandleV1) => Promise<void>;
  readonly onLog?: (call: RecordedCall & { kind: 'log' }) => Promise<void>;
}

/** A context that records every call and checks the contract's rules while the adapter runs. */
export interface RecordingContext<Config = unknown> {
  readonly runId: string;
  /** For `execute`. Prefer `execute` below, which also notices calls after the end. */
  readonly context: ExecuteContextV1<Config>;
  /** The secret that no handle may contain (`RUNBEAT_RUN_TOKEN`). */
  readonly token: string;
  readonly calls: readonly RecordedCall[];
  readonly violations: readonly ContractViolation[];
  /** What `onSpawn` was given; null before that. */
  readonly handle: RunHandleV1 | null;
  /** The cursor that a host would have stored last; null = none. */
  readonly lastCursor: string | null;
  /** What execute or reattach gave; null while it runs, and when it rejected. */
  readonly result: RunResultV1 | null;
  /** The output of one stream, or of stdout and stderr in the order of the calls. */
  output(stream?: OutputStreamV1): string;
  execute(adapter: AdapterV1): Promise<RunResultV1>;
  /** Runs the adapter's `reattach` with this recording as its sinks. */
  reattach(adapter: AdapterV1, from: { readonly handle: RunHandleV1; readonly afterCursor: string | null }): Promise<RunResultV1>;
  abort(reason: AbortReasonV1): void;
  /** Resolves as soon as `isMet()` after any call. Rejects when the run settles before, or after `limitMs`. */
  waitUntil(what: string, isMet: () => boolean, limitMs?: number): Promise<void>;
}

let contextCount = 0;

export function createRecordingContext<Config = unknown>(options: RecordingContextOptions<Config>): RecordingContext<Config> {
  contextCount += 1;
  const runId = options.runId ?? `run-${process.pid}-${contextCount}`;
  const token = `conformance-secret-${runId}`;
  const controller = new AbortController();
  if (options.abortReason) controller.abort(options.abortReason);
  const calls: RecordedCall[] = [];
  const violations: ContractViolation[] = [];
  const watchers = new Set<() => void>();
  const pendingLogs: Record<OutputStreamV1, number> = { stdout: 0, stderr: 0, system: 0 };
  // `isSpawning`: onSpawn was called and has not settled. `settled`: execute or reattach gave its answer.
  let isSpawning = false;
  let settled: { readonly result: RunResultV1 | null } | null = null;
  let handle: RunHandleV1 | null = null;

  const note = (violation: ContractViolation): void => void violations.push(violation);
  const notify = (): void => {
    for (const watch of [...watchers]) watch();
  };
  const record = (call: RecordedCall): void => {
    if (settled)
      note({
        rule: 2,
        check: 'nothing_after_settling',
        message: `A call of kind '${call.kind}' came after the run had settled.`,
      });
    calls.push(call);
    notify();
  };
  /** What stands in for the host may change what a test waits for, before it settles. */
  const host = async (work: Promise<void> | undefined): Promise<void> => {
    notify();
    await work;
  };

  const sinks = {
    async onLog(stream: OutputStreamV1, text: string, mark: LogMarkV1 = {}): Promise<void> {
      const call = { kind: 'log', stream, text, mark } as const;
      if (isSpawning) note({ rule: 1, check: 'spawn_before_log', message: 'onLog was called before onSpawn had settled.' });
      if (pendingLogs[stream] > 0) {
        note({
          rule: 2,
          check: 'log_awaited',
          message: `onLog('${stream}') was called while the one before had not settled: await each call.`,
        });
      }
      violations.push(...logViolations(text, mark));
      pendingLogs[stream] += 1;
      record(call);
      try {
        await host(options.onLog?.(call));
      } finally {
        pendingLogs[stream] -= 1;
      }
    },
    async onAlive(): Promise<void> {
      record({ kind: 'alive' });
    },
    async onEvent(event: RunEventV1): Promise<void> {
      record({ kind: 'event', event });
    },
  };

  const context: ExecuteContextV1<Config> = {
    ...sinks,
    runId,
    attempt: options.attempt ?? 1,
    config: options.config,
    agent: { id: 'agent-1', companyId: 'company-1', name: 'Conformance', role: 'engineer', ...options.agent },
    input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null, ...options.input },
    previousSession: options.previousSession ?? null,
    environment: { RUNBEAT_RUN_ID: runId, RUNBEAT_RUN_TOKEN: token, ...options.environment },
    signal: controller.signal,
    async onSpawn(given) {
      if (calls.some(({ kind }) => kind === 'log')) {
        note({ rule: 1, check: 'spawn_before_log', message: 'onSpawn was called after the first onLog.' });
      }
      if (handle !== null) note({ rule: 1, check: 'spawn_once', message: 'onSpawn was called a second time in one attempt.' });
      violations.push(...handleViolations(given, [token]));
      handle = given;
      isSpawning = true;
      record({ kind: 'spawn', handle: given });
      try {
        await host(options.onSpawn?.(given));
      } finally {
        isSpawning = false;
      }
    },
  };

  const settle = async (running: Promise<RunResultV1>): Promise<RunResultV1> => {
    let result: RunResultV1 | null = null;
    try {
      result = await running;
      return result;
    } finally {
      settled = { result };
      notify();
    }
  };

  return {
    runId,
    context,
    token,
    calls,
    violations,
    get handle() {
      return handle;
    },
    get lastCursor() {
      return calls.reduce<string | null>((last, call) => (call.kind === 'log' ? (call.mark.cursor ?? last) : last), null);
    },
    get result() {
      return settled?.result ?? null;
    },
    output(stream) {
      const isWanted = (one: OutputStreamV1): boolean => (stream === undefined ? one !== 'system' : one === stream);
      return calls.map((call) => (call.kind === 'log' && isWanted(call.stream) ? call.text : '')).join('');
    },
    execute: (adapter) => settle(promiseOf(() => adapter.execute(context))),
    reattach(adapter, { handle: from, afterCursor }) {
      const { outOfProcess } = adapter;
      if (outOfProcess?.kind !== 'handle') throw new InternalError('Only an adapter of kind "handle" can reattach.');
      const { previousSession: _, onSpawn: __, ...shared } = context;
      const reattachContext: ReattachContextV1<Config> = { ...shared, handle: from, afterCursor };
      return settle(promiseOf(() => outOfProcess.reattach(reattachContext)));
    },
    abort(reason) {
      controller.abort(reason);
    },
    waitUntil(what, isMet, limitMs = 20_000) {
      return new Promise((resolve, reject) => {
        const finish = (error?: AdapterError): void => {
          clearTimeout(timer);
          watchers.delete(watch);
          if (error) reject(error);
          else resolve();
        };
        const refuse = (why: string): void => {
          const seen = calls
            .slice(-5)
            .map((call) => (call.kind === 'log' ? `${call.stream} ${JSON.stringify(call.text.slice(0, 60))}` : call.kind));
          finish(new AdapterError('condition_not_met', `${why} without: ${what}. Last calls: ${seen.join(', ') || 'none'}.`));
        };
        const watch = (): void => {
          if (isMet()) finish();
          else if (settled) refuse(`The run settled (${settled.result ? JSON.stringify(settled.result) : 'it rejected'})`);
        };
        const timer = setTimeout(() => refuse(`${limitMs} ms passed`), limitMs);
        watchers.add(watch);
        watch();
      });
    },
  };
}

/** An adapter written in JavaScript may throw before it returns its promise; for a host that is a rejection, too. */
function promiseOf<Value>(call: () => Promise<Value>): Promise<Value> {
  return new Promise((resolve) => resolve(call()));
}
