import type { AbortReasonV1, Json, RunHandleV1, SessionOutputV1, SessionWriteV1, WorkerExitV1 } from '@runbeat/adapter-sdk';
import { createRandomId } from '../supervisor/model/ids.js';
import type { Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import { type CrashHistory, planWorkerStart } from './plan-worker-start.js';
import { createPromptDesk, type PromptDesk, type PromptWait } from './prompt-desk.js';
import { isSettled, type JournalEntry, type Session, type SessionPrompt, type SettledPromptState } from './session.js';
import { sessionFailures } from './session-failures.js';
import { createSessionRecord, type SessionRecord } from './session-record.js';
import type { SessionSettings } from './session-settings.js';
import type { SessionStore } from './session-store.js';
import { type SessionEvent, type SessionReason, sessionTransitions } from './session-transitions.js';
import { openSessionWorker, type SessionWorker, type WorkerEnvironment, type WorkerSinks } from './session-worker.js';

/**
 * The single writer of one session on the instance that owns it. All of its decisions are synchronous, so that two calls
 * can never both find the session idle; what they decide is stored before it acts on the worker, and told to subscribers
 * only after it was stored.
 */
export interface SessionActor {
  readonly session: () => Session;
  readonly promptInFlight: () => string | null;
  /** Starts a worker if there is none. */
  start(): Promise<Session>;
  /** Resolves as `wait` says; the same id again gives the same outcome. Rejects with a session failure (409, 502, 503). */
  prompt(input: { readonly id: string; readonly prompt: Json; readonly wait: PromptWait }): Promise<SessionPrompt>;
  cancel(promptId: string | null): Promise<Session>;
  answer(requestId: string, answer: Json): Promise<Session>;
  restart(): Promise<Session>;
  /** Ends the worker. With `isFinal` the session takes no message afterwards. */
  stop(options: { readonly isFinal: boolean }): Promise<Session>;
  /** After a restart of the server: take the worker over, or find that it is gone. */
  recover(): Promise<void>;
  /** Orderly shutdown: lets a worker that survives go on, and stores what is pending. */
  release(): Promise<void>;
}

export interface SessionActorOptions {
  readonly session: Session;
  readonly unsettledPrompts: readonly SessionPrompt[];
  readonly store: SessionStore;
  readonly environment: (session: Session) => Promise<WorkerEnvironment>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: SessionSettings;
  readonly onStored: (entries: readonly JournalEntry[]) => void;
  /** Another instance owns the session now. */
  readonly onFenced: () => void;
}

export function createSessionActor(options: SessionActorOptions): SessionActor {
  const { clock, settings, metrics, store } = options;
  /** The process that may speak; null in `stopped` and `crashed`. Written by `openWorker`, `takeOver` and `workerEnded`. */
  let worker: SessionWorker | null = null;
  /** Deaths without a completed prompt between them; a completed prompt and a restart clear it. */
  let crashes: CrashHistory = { count: 0, lastAt: null };
  let stopCancelTimer: () => void = () => undefined;
  let stopStartTimer: () => void = () => undefined;
  let lastStderr = '';

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
      if (worker?.id === workerId) workerEnded(exit);
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
        environment: () => options.environment(record.session()),
        sinks,
      });
      worker = next;
      void opened.then((result) => {
        if (worker?.id !== workerId) return;
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

  /** A write that failed answers the caller, frees the session, tells subscribers, and ends this worker for good. */
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

  async function started(): Promise<void> {
    if (sessionTransitions[record.session().state].start === 'starting' && record.session().state !== 'starting')
      beginStart('start');
    await record.stored();
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

  function assertOpen(): void {
    if (record.isFenced()) throw sessionFailures.elsewhere(record.session().id, null);
    if (record.session().endedAt) throw sessionFailures.ended(record.session().id);
  }

  return {
    session: () => record.session(),
    promptInFlight: () => desk.inFlight()?.id ?? null,
    async start() {
      assertOpen();
      await started();
      return record.session();
    },
    async prompt({ id, prompt, wait }) {
      assertOpen();
      const known = desk.find(id) ?? (await store.getPrompt(record.session().id, id));
      if (known && isSettled(known)) {
        await record.stored();
        return known;
      }
      if (known) return desk.wait(id, wait);
      // From here to the reservation nothing awaits: of two prompts at once one finds the other in flight.
      assertOpen();
      const { state } = record.session();
      const inFlight = desk.inFlight();
      if (inFlight) throw sessionFailures.busy(record.session().id, inFlight.id);
      if (sessionTransitions[state].prompt === 'refused') throw sessionFailures.notTakingMessages(record.session().id, state);
      if (state === 'stopped' || state === 'error' || state === 'crashed') beginStart('prompt');
      desk.accept(id, prompt);
      if (state === 'idle') {
        move('prompt', 'prompt');
        void writePrompt();
      }
      return desk.wait(id, wait);
    },
    async cancel(promptId) {
      assertOpen();
      const inFlight = desk.inFlight();
      if (!inFlight || (promptId !== null && inFlight.id !== promptId)) return record.session();
      record.append('cancel', { promptId: inFlight.id, data: null });
      if (record.session().state === 'starting') settle('cancelled', 'cancelled', 'cancelled before it was written');
      else if (record.session().state === 'busy') {
        move('cancel', 'cancelled');
        stopCancelTimer = clock.setTimer(settings.cancelTimeoutMs, cancelIsOverdue);
        const target = worker;
        if (target) void target.cancel(inFlight.id).then((write) => worker === target && brokenWrite(target, write));
      }
      await record.stored();
      return record.session();
    },
    async answer(requestId, answer) {
      assertOpen();
      const open = record.session().openRequests.find((request) => request.requestId === requestId);
      const target = worker;
      if (!open || !target) throw sessionFailures.requestUnknown(record.session().id, requestId);
      record.append('answer', { promptId: open.promptId, data: { requestId, answer } });
      record.change({ openRequests: record.session().openRequests.filter((request) => request !== open) });
      await record.stored();
      const write = await target.answer(requestId, answer);
      if (worker === target) brokenWrite(target, write);
      if (!write.written) throw sessionFailures.writeFailed(record.session().id, write.reason, write.message);
      return record.session();
    },
    async restart() {
      assertOpen();
      const { state } = record.session();
      if (sessionTransitions[state].restart === 'refused') throw sessionFailures.notTakingMessages(record.session().id, state);
      crashes = { count: 0, lastAt: null };
      if (state === 'stopped' || state === 'crashed' || state === 'error') beginStart('restart');
      else if (move('restart', 'restart')) worker?.stop(settings.stopGraceMs);
      await record.stored();
      return record.session();
    },
    async stop({ isFinal }) {
      if (record.isFenced()) throw sessionFailures.elsewhere(record.session().id, null);
      stopStartTimer();
      if (isFinal && !record.session().endedAt) record.change({ endedAt: clock.now() });
      if (move('stop', 'stop')) {
        if (worker) worker.stop(settings.stopGraceMs);
        else if (record.session().state === 'stopping') startFailed('stopped before the worker was started');
      }
      await record.stored();
      return record.session();
    },
    async recover() {
      const { state, handle } = record.session();
      if (state === 'stopped' || state === 'crashed') return;
      if (state === 'starting' && !handle) {
        openWorker(0);
        return;
      }
      if (!handle) {
        worker = null;
        workerEnded(goneExit('no process was recorded before the server ended'));
        return;
      }
      const workerId = record.session().workerId ?? createRandomId<string>();
      const promptsInFlight = desk.inFlight() ? [desk.inFlight()?.id ?? ''] : [];
      const taken = openSessionWorker({
        workerId,
        session: record.session(),
        environment: () => options.environment(record.session()),
        sinks,
        reattach: { handle, promptsInFlight },
      });
      worker = taken.worker;
      const result = await taken.opened;
      if (worker?.id !== workerId) return;
      if (result.state !== 'open')
        workerEnded(goneExit(result.state === 'failed' ? result.message : 'the process ended while no server was there'));
      else if (state === 'starting') workerIsReady();
      else if (desk.inFlight()?.state === 'accepted') void writePrompt();
      else if (state === 'stopping' || state === 'restarting') worker.stop(settings.stopGraceMs);
      else if (state === 'error') worker.stop(0);
      else if (state === 'cancelling') stopCancelTimer = clock.setTimer(settings.cancelTimeoutMs, cancelIsOverdue);
    },
    async release() {
      stopCancelTimer();
      stopStartTimer();
      await record
        .stored()
        .catch((error: unknown) =>
          options.logger.warn({ err: error, sessionId: record.session().id }, 'a session could not be stored at shutdown'),
        );
      record.close();
      worker?.release({ kind: 'host_shutdown' } satisfies AbortReasonV1);
    },
  };

  function cancelIsOverdue(): void {
    const target = worker;
    settle(
      'cancelled',
      'cancel_timeout',
      `the agent did not end the prompt within ${settings.cancelTimeoutMs} ms; its process was ended`,
    );
    if (move('cancel_overdue', 'cancel_timeout')) target?.stop(0);
  }
}

function reasonFromExit(exit: WorkerExitV1): SessionReason {
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

function goneExit(message: string): WorkerExitV1 {
  return { exitCode: null, signal: null, reason: 'process_exit', message, stderrTail: '' };
}
