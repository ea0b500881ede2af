import {
  type AbortReasonV1,
  type AgentIdentityV1,
  type InteractiveV1,
  isAdapterError,
  type Json,
  type LogMarkV1,
  type RunEventV1,
  type RunHandleV1,
  type SessionOutputV1,
  type SessionWorkerV1,
  type SessionWriteV1,
  type WorkerExitV1,
} from '@runbeat/adapter-sdk';
import type { Session } from './session.js';

/** What a worker tells the actor. Every call names the worker, so that an older one's words can be dropped. */
export interface WorkerSinks {
  spawned(workerId: string, handle: RunHandleV1): Promise<void>;
  output(workerId: string, output: SessionOutputV1, mark: LogMarkV1 | undefined): Promise<void>;
  event(workerId: string, event: RunEventV1): Promise<void>;
  exited(workerId: string, exit: WorkerExitV1): void;
}

/** What the adapter needs beside the session itself. */
export interface WorkerEnvironment {
  readonly interactive: InteractiveV1;
  readonly config: Json;
  readonly agent: AgentIdentityV1;
  readonly environment: Readonly<Record<string, string>>;
}

/** One process start. `live` is null until the adapter opened it, and stays null when it could not. */
export interface SessionWorker {
  readonly id: string;
  readonly live: () => SessionWorkerV1 | null;
  prompt(promptId: string, prompt: Json): Promise<SessionWriteV1>;
  cancel(promptId: string): Promise<SessionWriteV1>;
  answer(requestId: string, answer: Json): Promise<SessionWriteV1>;
  /** Ends it: politely within `graceMs`, then for good. `exited` is told as for any other end. */
  stop(graceMs: number): void;
  /** Lets go without ending it (`host_shutdown`) or because somebody else owns it (`fenced`). */
  release(reason: AbortReasonV1): void;
}

export type OpenedWorker =
  | { readonly state: 'open' }
  | { readonly state: 'gone' }
  | { readonly state: 'failed'; readonly message: string };

/** A worker that is being opened, or taken over after a restart of the server, and what came of it. */
export function openSessionWorker(options: {
  readonly workerId: string;
  readonly session: Session;
  readonly environment: () => Promise<WorkerEnvironment>;
  readonly sinks: WorkerSinks;
  /** Take over the process of this handle instead of starting one. */
  readonly reattach?: { readonly handle: RunHandleV1; readonly promptsInFlight: readonly string[] };
}): { readonly worker: SessionWorker; readonly opened: Promise<OpenedWorker> } {
  const { workerId, session, sinks, reattach } = options;
  const controller = new AbortController();
  let live: SessionWorkerV1 | null = null;
  let stopGraceMs: number | null = null;

  const opened = (async (): Promise<OpenedWorker> => {
    try {
      const { interactive, config, agent, environment } = await options.environment();
      const context = {
        sessionId: session.id,
        workerId,
        config,
        agent,
        environment,
        previousSession: session.adapterSession,
        signal: controller.signal,
        onSpawn: (handle: RunHandleV1) => sinks.spawned(workerId, handle),
        onOutput: (output: SessionOutputV1, mark?: LogMarkV1) => sinks.output(workerId, output, mark),
        onEvent: (event: RunEventV1) => sinks.event(workerId, event),
      };
      controller.signal.throwIfAborted();
      if (reattach) {
        live =
          (await interactive.reattach?.({
            ...context,
            ...reattach,
            afterCursor: session.outputCursor,
            requestsOpen: session.openRequests.map((open) => open.requestId),
          })) ?? null;
        if (!live) return { state: 'gone' };
      } else live = await interactive.open(context);
    } catch (error) {
      return { state: 'failed', message: messageFromOpenError(error) };
    }
    void live.exited.then((exit) => sinks.exited(workerId, exit));
    if (stopGraceMs !== null) stopLive(live, stopGraceMs);
    return { state: 'open' };
  })();

  function stopLive(target: SessionWorkerV1, graceMs: number): void {
    // `exited` tells of the end; a stop that rejects is an adapter's bug, and the abort below is the way that is left.
    target.stop({ graceMs }).catch(() => controller.abort({ kind: 'cancelled', message: 'stop' } satisfies AbortReasonV1));
  }

  const write = async (action: (target: SessionWorkerV1) => Promise<SessionWriteV1>): Promise<SessionWriteV1> => {
    if (!live) return { written: false, reason: 'stdin_broken', message: 'the worker is not running' };
    try {
      return await action(live);
    } catch (error) {
      // The contract says that a write never throws; one that does is broken all the same.
      return { written: false, reason: 'stdin_broken', message: error instanceof Error ? error.message : String(error) };
    }
  };

  return {
    opened,
    worker: {
      id: workerId,
      live: () => live,
      prompt: (promptId, prompt) => write((target) => target.prompt(promptId, prompt)),
      cancel: (promptId) => write((target) => target.cancel(promptId)),
      answer: (requestId, answer) => write((target) => target.answer(requestId, answer)),
      stop(graceMs) {
        stopGraceMs = graceMs;
        if (live) stopLive(live, graceMs);
        else controller.abort({ kind: 'cancelled', message: 'stopped while it was starting' } satisfies AbortReasonV1);
      },
      release: (reason) => controller.abort(reason),
    },
  };
}

function messageFromOpenError(error: unknown): string {
  if (isAdapterError(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
