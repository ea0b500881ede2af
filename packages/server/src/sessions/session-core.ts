import type { AbortReasonV1, Json, RunHandleV1, SessionOutputV1, SessionWriteV1, WorkerExitV1 } from '@runbeat/adapter-sdk';
import { createRandomId } from '../supervisor/model/ids.js';
import { type CrashHistory, planWorkerStart } from './plan-worker-start.js';
import { createPromptDesk, type PromptDesk } from './prompt-desk.js';
import type { SettledPromptState } from './session.js';
import type { SessionActorOptions } from './session-actor-options.js';
import { sessionFailures } from './session-failures.js';
import { createSessionRecord, type SessionRecord } from './session-record.js';
import { type SessionEvent, type SessionReason, sessionTransitions } from './session-transitions.js';
import { openSessionWorker, type SessionWorker, type WorkerSinks } from './session-worker.js';
import { goneExit, reasonFromExit } from './worker-exit.js';

/**
 * What happens in a session: how it reacts to its worker, its timers and its own writes. `session-actor.ts` puts what
 * people ask for on top of it. Every member is synchronous up to the point where something was stored.
 */
export interface SessionCore {
  readonly record: SessionRecord;
  readonly desk: PromptDesk;
  /** The process that may speak; null when there is none. */
  readonly worker: () => SessionWorker | null;
  /** Moves the state as the table says and tells of it in the journal; false when the table has no move. */
  move(event: SessionEvent, reason: SessionReason, detail?: string | null): boolean;
  /** Settles the prompt in flight, if there is one. */
  settle(state: SettledPromptState, code: string | null, message: string | null, result?: Json): void;
  /** From a state without a worker, or with one that is being ended. Throws `session_crashed` in a crash loop. */
  beginStart(reason: SessionReason): void;
  openWorker(delayMs: number): void;
  /** Takes a process over that an earlier server started. */
  takeOver(handle: RunHandleV1): Promise<'taken' | 'gone'>;
  workerIsReady(): void;
  /** It ended and nobody saw how. */
  workerEnded(message: string): void;
  /** The worker never came up. */
  startFailed(message: string): void;
  /** Writes the accepted prompt to the worker. */
  writePrompt(): Promise<void>;
  /** A write that failed answers the caller, frees the session, tells subscribers, and ends this worker for good. */
  brokenWrite(target: SessionWorker, write: SessionWriteV1): void;
  /** From now on the agent has `cancelTimeoutMs` to react. */
  awaitCancel(): void;
  forgetCrashes(): void;
  /** Leaves the worker to the next owner of the session: nothing that happens to it is told here any more. */
  release(reason: AbortReasonV1): void;
  stopTimers(): void;
}

export function createSessionCore(options: SessionActorOptions): SessionCore {
  const { clock, settings, metrics, store } = options;
  /** The process that may speak; null in `stopped` and `crashed`. Written by `openWorker`, `takeOver` and `workerEnded`. */
  let worker: SessionWorker | null = null;
  /** Deaths without a completed prompt between them; a completed prompt and a restart clear it. */
  let crashes: CrashHistory = { count: 0, lastAt: null };
  let stopCancelTimer: () => void = () => undefined;
  let stopStartTimer: () => void = () => undefined;
  let lastStderr = '';
  let isReleased = false;

  const record: SessionRecord = createSessionRecord({
    session: options.session,
    store,
    clock,
    logger: options.logger,
    retryDelayMs: settings.storeRetryDelayMs,
    onStored: options.onStored,
    fencedError: () => sessionFailures.elsewhere(options.session.id, null),
    onFenced: () => {
      stopCancelTimer();
      stopStartTimer();
      worker?.release({ kind: 'fenced' });
      desk.rejectAll(sessionFailures.elsewhere(options.session.id, null));
      options.onFenced();
    },
  });
  const desk: PromptDesk = createPromptDesk({
    record,
    clock,
    unsettled: options.unsettledPrompts,
    acknowledgeTimeoutMs: settings.acknowledgeTimeoutMs,
    isNew: options.session.headSeq === 0,
  });

  /** Moves the state as the table says and tells of it in the journal. */
  function move(event: SessionEvent, reason: SessionReason, detail: string | null = null): boolean {
    const before = record.session().state;
    const next = sessionTransitions[before][event];
    if (next === 'ignored' || next === 'refused') return false;
    if (next === before) return true;
    const entry = record.append('status', { promptId: desk.inFlight()?.id ?? null, data: { state: next, reason, detail } });
    record.change({ state: next, reason, detail, statusSeq: entry.seq });
    metrics.count('session_transitions_total', { state: next, reason });
    return true;
  }

  /** The first of completion, write error, exit and time-out settles a prompt; the others find none in flight. */
  function settle(state: SettledPromptState, code: string | null, message: string | null, result: Json = null): void {
    const settled = desk.settle(state, code, message, result);
    if (!settled) return;
    stopCancelTimer();
    record.change({
      openRequests: record.session().openRequests.filter((open) => open.promptId !== null && open.promptId !== settled.id),
    });
    metrics.count('session_prompts_total', { state });
  }

  function countDeath(): void {
    crashes = { count: crashes.count + 1, lastAt: clock.now() };
  }

  const sinks: WorkerSinks = {
    async spawned(workerId, handle: RunHandleV1) {
      if (worker?.id !== workerId) throw sessionFailures.workerReplaced(record.session().id);
      record.change({ handle });
      await record.stored();
    },
    async output(workerId, output, mark) {
      if (worker?.id !== workerId) return;
      takeOutput(output);
      if (mark?.cursor !== undefined) record.change({ outputCursor: mark.cursor });
      const resumeState = worker.live()?.resumeState;
      if (resumeState !== undefined && resumeState !== record.session().adapterSession)
        record.change({ adapterSession: resumeState });
      if (record.pendingBytes() > settings.pendingLimitBytes) await record.stored();
    },
    async event(workerId, event) {
      if (worker?.id !== workerId) return;
      record.append(event.level === 'error' ? 'protocol_error' : 'output', {
        data: { event: { type: event.type, level: event.level, message: event.message, data: event.data ?? null } },
      });
    },
    exited(workerId, exit) {
      // A worker that was let go is the next owner's; its process lives.
      if (worker?.id === workerId && !isReleased) workerEnded(exit);
    },
  };

  function takeOutput(output: SessionOutputV1): void {
    switch (output.kind) {
      case 'acknowledged':
        desk.acknowledge(output.promptId);
        return;
      case 'update':
        if (output.promptId !== null) desk.acknowledge(output.promptId);
        record.append('output', { promptId: output.promptId, data: output.update });
        return;
      case 'request': {
        if (output.promptId !== null) desk.acknowledge(output.promptId);
        const { requestId, promptId, request } = output;
        const entry = record.append('request', { promptId, data: { requestId, request } });
        record.change({ openRequests: [...record.session().openRequests, { requestId, promptId, request, seq: entry.seq }] });
        return;
      }
      case 'completed':
        if (!desk.isInFlight(output.promptId)) return;
        crashes = { count: 0, lastAt: null };
        settle('completed', null, null, output.result);
        move('settled', 'prompt_complete');
        return;
      case 'failed':
        if (!desk.isInFlight(output.promptId)) return;
        settle('failed', output.code, output.message);
        move('settled', 'prompt_error', output.message);
        return;
      case 'cancelled':
        if (!desk.isInFlight(output.promptId)) return;
        settle('cancelled', 'cancelled', null);
        move('settled', 'cancelled');
        return;
      case 'protocol_error':
        metrics.count('session_protocol_errors_total');
        record.append('protocol_error', { data: { message: output.message } });
        return;
      case 'stderr':
        lastStderr = (lastStderr + output.text).slice(-4_096);
        record.append('stderr', { data: { text: output.text } });
        return;
    }
  }

  function openWorker(delayMs: number): void {
    const workerId = createRandomId<string>();
    record.change({ workerId, handle: null, outputCursor: null });
    const begin = (): void => {
      const { worker: next, opened } = openSessionWorker({
        workerId,
        session: record.session(),
        environment: () => options.environment(record.session(), 'start'),
        sinks,
      });
      worker = next;
      void opened.then((result) => {
        if (worker?.id !== workerId || isReleased) return;
        if (result.state === 'open') workerIsReady();
        else startFailed(result.state === 'failed' ? result.message : 'the worker was gone at once');
      });
    };
    if (delayMs > 0) stopStartTimer = clock.setTimer(delayMs, begin);
    else begin();
  }

  function workerIsReady(): void {
    const resumeState = worker?.live()?.resumeState;
    if (resumeState !== undefined) record.change({ adapterSession: resumeState });
    if (!desk.inFlight()) {
      move('ready', 'start');
      return;
    }
    if (move('ready_with_prompt', 'prompt')) void writePrompt();
  }

  function startFailed(message: string): void {
    worker = null;
    record.change({ handle: null });
    if (record.session().state === 'stopping') {
      settle('cancelled', 'stop', 'the session was stopped before its worker was up');
      move('start_failed', 'stop');
      return;
    }
    countDeath();
    settle('failed', 'start_failed', message);
    move('start_failed', 'start_failed', message);
  }

  /** Stored as `written` before it is written, so that after a crash `accepted` means "surely not written". */
  async function writePrompt(): Promise<void> {
    const prompt = desk.markWritten();
    const target = worker;
    if (!prompt || !target) return;
    if (!(await record.isStored()) || worker !== target || !desk.isInFlight(prompt.id)) return;
    const write = await target.prompt(prompt.id, prompt.prompt);
    if (worker === target) brokenWrite(target, write);
  }

  function brokenWrite(target: SessionWorker, write: SessionWriteV1): void {
    if (write.written) return;
    settle('failed', write.reason, write.message);
    if (move('broken', write.reason, write.message)) countDeath();
    target.stop(0);
  }

  function workerEnded(exit: WorkerExitV1): void {
    worker = null;
    stopCancelTimer();
    if (exit.stderrTail !== '') lastStderr = exit.stderrTail;
    record.append('exit', { data: { ...exit } });
    record.change({ handle: null, outputCursor: null, openRequests: [] });
    const { state } = record.session();
    const prompt = desk.inFlight();
    const isAsked = state === 'stopping' || state === 'restarting';
    if (prompt && isAsked) settle('cancelled', state === 'stopping' ? 'stop' : 'restart', exit.message);
    else if (prompt && prompt.state !== 'acknowledged') {
      // The write succeeded and proves nothing: nobody read it. Only the exit tells.
      settle('failed', 'stdin_broken', `the agent ended before it took the prompt up: ${exit.message}`);
      if (move('broken', 'stdin_broken', exit.message)) countDeath();
    } else if (prompt) settle('lost', exit.reason, exit.message);
    const hasEndedWell = !prompt && exit.reason === 'process_exit' && exit.exitCode === 0;
    move(
      hasEndedWell ? 'ended_well' : 'ended',
      state === 'stopping' ? 'stop' : state === 'restarting' ? 'restart' : reasonFromExit(exit),
      exit.message,
    );
    const after = record.session().state;
    if (after === 'crashed' && state !== 'crashed') countDeath();
    if (after === 'starting') openWorker(0);
  }

  /** From a state without a worker, or with one that is being ended. */
  function beginStart(reason: SessionReason): void {
    const plan = planWorkerStart(crashes, clock.now(), settings.crashLoop);
    if (!plan.start) throw sessionFailures.crashLoop(record.session().id, crashes.count, lastStderr);
    const old = worker;
    // The old worker of state `error` is on its way out; its words are dropped from here on.
    worker = null;
    old?.stop(0);
    move('start', reason);
    openWorker(plan.delayMs);
  }

  async function takeOver(handle: RunHandleV1): Promise<'taken' | 'gone'> {
    const workerId = record.session().workerId ?? createRandomId<string>();
    const inFlight = desk.inFlight();
    const taken = openSessionWorker({
      workerId,
      session: record.session(),
      environment: () => options.environment(record.session(), 'recover'),
      sinks,
      reattach: { handle, promptsInFlight: inFlight ? [inFlight.id] : [] },
    });
    worker = taken.worker;
    const result = await taken.opened;
    if (worker?.id !== workerId || result.state === 'open') return 'taken';
    workerEnded(goneExit(result.state === 'failed' ? result.message : 'the process ended while no server was there'));
    return 'gone';
  }

  function cancelIsOverdue(): void {
    const target = worker;
    settle(
      'cancelled',
      'cancel_timeout',
      `the agent did not end the prompt within ${settings.cancelTimeoutMs} ms; its process was ended`,
    );
    if (move('cancel_overdue', 'cancel_timeout')) target?.stop(0);
  }

  return {
    record,
    desk,
    worker: () => worker,
    move,
    settle,
    beginStart,
    openWorker,
    takeOver,
    workerIsReady,
    workerEnded: (message) => workerEnded(goneExit(message)),
    startFailed,
    writePrompt,
    brokenWrite,
    awaitCancel() {
      stopCancelTimer = clock.setTimer(settings.cancelTimeoutMs, cancelIsOverdue);
    },
    forgetCrashes() {
      crashes = { count: 0, lastAt: null };
    },
    release(reason) {
      isReleased = true;
      worker?.release(reason);
    },
    stopTimers() {
      stopCancelTimer();
      stopStartTimer();
    },
  };
}
