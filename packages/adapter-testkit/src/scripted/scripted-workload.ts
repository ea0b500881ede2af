import {
  type AbortReasonV1,
  type LivenessV1,
  type OutputStreamV1,
  type ProbeQueryV1,
  type RunEventV1,
  type RunResultV1,
  splitText,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { ScriptedConfig } from './scripted-step.js';

/** Something that the workload did and that its host has to hand on. */
export type WorkloadEntry =
  | { readonly kind: 'log'; readonly stream: OutputStreamV1; readonly text: string; readonly at: string }
  | { readonly kind: 'alive' }
  | { readonly kind: 'event'; readonly event: RunEventV1 };

/**
 * - `running`: from the start until one of the others; only here entries are added.
 * - `ended`: by itself, with a result.
 * - `stopped`: because it was asked to or forced to.
 * - `vanished`: nothing is left that could tell how it ended.
 */
export type WorkloadState =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly result: RunResultV1 }
  | { readonly kind: 'stopped'; readonly forced: boolean }
  | { readonly kind: 'vanished' };

export type ProbeAnswer = LivenessV1 | ((query: ProbeQueryV1) => LivenessV1 | Promise<LivenessV1>);

/** The work of one run, in the hands of a test. It lives apart from the adapter object and survives its host. */
export interface ScriptedWorkload {
  readonly runId: string;
  readonly config: ScriptedConfig;
  /** Not a process of this machine: above every pid that a system gives. */
  readonly pid: number;
  readonly state: WorkloadState;
  /** Times that a host called `execute` for this run; more than one is a double execution. */
  readonly executions: number;
  readonly reattachments: number;
  /** Hosts that follow it now. */
  readonly followers: number;
  /** Reasons of the aborts and terminations that reached it, in order. */
  readonly stopRequests: readonly string[];
  /** Pids of what the step `grandchild` started. */
  readonly descendants: readonly number[];
  /** Entries handed on and accepted by a host so far. */
  readonly delivered: number;
  /** The abort that reached `execute` or `reattach` last; null = none. */
  readonly abortReason: AbortReasonV1 | null;

  /** Print. Resolves when a host has taken it; without a host, when the next one has. */
  write(stream: OutputStreamV1, text: string): Promise<void>;
  /** Call `onAlive`. Resolves when a host has taken it. */
  alive(): Promise<void>;
  event(event: RunEventV1): Promise<void>;
  /** The work ends by itself. */
  end(result: RunResultV1): void;
  /** The work is gone and nothing tells how it ended: a probe says `gone`. */
  vanish(): void;
  /** The adapter has a bug: `execute` or `reattach` in progress reject with this. The work goes on. */
  crashAdapter(error: unknown): void;
  /** What probes answer instead of the truth, one after the other; the last one stays. None = the truth again. */
  answerProbes(...answers: ProbeAnswer[]): void;
  /** From now on a polite request to stop is ignored. */
  ignoreStop(): void;
}

/** The adapter's side of a workload. */
export interface WorkloadControl extends ScriptedWorkload {
  readonly entries: readonly WorkloadEntry[];
  readonly pendingCrash: { readonly error: unknown } | null;
  readonly abortions: AbortReasonV1[];
  begin(kind: 'execution' | 'reattachment'): void;
  /** The follower left; a crash that it met is spent. */
  leave(): void;
  markDelivered(position: number): void;
  addDescendant(pid: number): void;
  /** Resolves at the next change of anything, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Ask, and force after `graceMs`. Resolves when it has stopped. */
  stop(reason: string, graceMs: number): Promise<TerminationV1>;
  probe(query: ProbeQueryV1): Promise<LivenessV1>;
}

export function createScriptedWorkload(options: { runId: string; config: ScriptedConfig; pid: number }): WorkloadControl {
  const entries: WorkloadEntry[] = [];
  const descendants: number[] = [];
  const stopRequests: string[] = [];
  const abortions: AbortReasonV1[] = [];
  const watchers = new Set<() => void>();
  const counts = { execution: 0, reattachment: 0, followers: 0 };
  let state: WorkloadState = { kind: 'running' };
  let delivered = 0;
  let isIgnoringStop = false;
  let pendingCrash: { error: unknown } | null = null;
  let probeAnswers: ProbeAnswer[] = [];

  const notify = (): void => {
    for (const watch of [...watchers]) watch();
  };
  const finish = (next: WorkloadState): void => {
    if (state.kind !== 'running') return;
    state = next;
    notify();
  };
  const changed = (signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        watchers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      watchers.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  const append = async (added: readonly WorkloadEntry[]): Promise<void> => {
    if (state.kind !== 'running') return;
    entries.push(...added);
    const until = entries.length;
    notify();
    while (delivered < until) await changed();
  };

  return {
    ...options,
    entries,
    descendants,
    stopRequests,
    abortions,
    get state() {
      return state;
    },
    get executions() {
      return counts.execution;
    },
    get reattachments() {
      return counts.reattachment;
    },
    get followers() {
      return counts.followers;
    },
    get delivered() {
      return delivered;
    },
    get abortReason() {
      return abortions.at(-1) ?? null;
    },
    get pendingCrash() {
      return pendingCrash;
    },
    write: (stream, text) =>
      append(splitText(text).map((piece) => ({ kind: 'log', stream, text: piece, at: new Date().toISOString() }))),
    alive: () => append([{ kind: 'alive' }]),
    event: (event) => append([{ kind: 'event', event }]),
    end: (result) => finish({ kind: 'ended', result }),
    vanish: () => finish({ kind: 'vanished' }),
    crashAdapter(error) {
      pendingCrash = { error };
      notify();
    },
    answerProbes(...answers) {
      probeAnswers = answers;
    },
    ignoreStop() {
      isIgnoringStop = true;
    },
    begin(kind) {
      counts[kind] += 1;
      counts.followers += 1;
    },
    leave() {
      counts.followers -= 1;
      pendingCrash = null;
    },
    markDelivered(position) {
      delivered = Math.max(delivered, position);
      notify();
    },
    addDescendant(pid) {
      descendants.push(pid);
    },
    changed,
    async stop(reason, graceMs) {
      stopRequests.push(reason);
      notify();
      if (state.kind !== 'running') return { stopped: 'already_gone' };
      if (isIgnoringStop) {
        const timer = setTimeout(() => finish({ kind: 'stopped', forced: true }), graceMs);
        while (stateNow().kind === 'running') await changed();
        clearTimeout(timer);
        return { stopped: 'forced' };
      }
      finish({ kind: 'stopped', forced: false });
      return { stopped: 'graceful' };
    },
    async probe(query) {
      const answer = probeAnswers.length > 1 ? probeAnswers.shift() : probeAnswers[0];
      if (answer !== undefined) return typeof answer === 'function' ? answer(query) : answer;
      switch (state.kind) {
        case 'running':
          return { state: 'alive' };
        case 'ended':
          return { state: 'ended', result: state.result };
        case 'stopped':
          return { state: 'ended', result: { status: 'cancelled', forced: state.forced } };
        case 'vanished':
          return { state: 'gone' };
      }
    },
  };

  /** Read through a function: after an `await` the state may differ from what the compiler last saw. */
  function stateNow(): WorkloadState {
    return state;
  }
}
