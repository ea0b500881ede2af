import type { Json } from '@runbeat/adapter-sdk';
import type { PromptWait } from './prompt-desk.js';
import { isSettled, type Session, type SessionPrompt } from './session.js';
import type { SessionActorOptions } from './session-actor-options.js';
import { createSessionCore } from './session-core.js';
import { sessionFailures } from './session-failures.js';
import { sessionTransitions } from './session-transitions.js';

/**
 * The single writer of one session on the instance that owns it. All of its decisions are synchronous, so that two calls
 * can never both find the session idle; what they decide is stored before it acts on the worker, and told to subscribers
 * only after it was stored.
 */
export interface SessionActor {
  readonly session: () => Session;
  readonly promptInFlight: () => string | null;
  /** Resolves when everything that was decided so far can be read from the store, or never will be. */
  stored(): Promise<void>;
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

export function createSessionActor(options: SessionActorOptions): SessionActor {
  const { clock, settings, store } = options;
  const core = createSessionCore(options);
  const { record, desk } = core;

  async function started(): Promise<void> {
    if (sessionTransitions[record.session().state].start === 'starting' && record.session().state !== 'starting')
      core.beginStart('start');
    await record.stored();
  }

  function assertOpen(): void {
    if (record.isFenced()) throw sessionFailures.elsewhere(record.session().id, null);
    if (record.session().endedAt) throw sessionFailures.ended(record.session().id);
  }

  return {
    session: () => record.session(),
    promptInFlight: () => desk.inFlight()?.id ?? null,
    async stored() {
      await record.isStored();
    },
    async start() {
      assertOpen();
      await started();
      return record.session();
    },
    async prompt({ id, prompt, wait }) {
      assertOpen();
      const known = desk.find(id) ?? (desk.knowsAll() ? null : await store.getPrompt(record.session().id, id));
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
      if (state === 'stopped' || state === 'error' || state === 'crashed') core.beginStart('prompt');
      desk.accept(id, prompt);
      if (state === 'idle') {
        core.move('prompt', 'prompt');
        void core.writePrompt();
      }
      return desk.wait(id, wait);
    },
    async cancel(promptId) {
      assertOpen();
      const inFlight = desk.inFlight();
      if (!inFlight || (promptId !== null && inFlight.id !== promptId)) return record.session();
      record.append('cancel', { promptId: inFlight.id, data: null });
      if (record.session().state === 'starting') core.settle('cancelled', 'cancelled', 'cancelled before it was written');
      else if (record.session().state === 'busy') {
        core.move('cancel', 'cancelled');
        core.awaitCancel();
        const target = core.worker();
        if (target) void target.cancel(inFlight.id).then((write) => core.worker() === target && core.brokenWrite(target, write));
      }
      await record.stored();
      return record.session();
    },
    async answer(requestId, answer) {
      assertOpen();
      const open = record.session().openRequests.find((request) => request.requestId === requestId);
      const target = core.worker();
      if (!open || !target) throw sessionFailures.requestUnknown(record.session().id, requestId);
      record.append('answer', { promptId: open.promptId, data: { requestId, answer } });
      record.change({ openRequests: record.session().openRequests.filter((request) => request !== open) });
      await record.stored();
      const write = await target.answer(requestId, answer);
      if (core.worker() === target) core.brokenWrite(target, write);
      if (!write.written) throw sessionFailures.writeFailed(record.session().id, write.reason, write.message);
      return record.session();
    },
    async restart() {
      assertOpen();
      const { state } = record.session();
      if (sessionTransitions[state].restart === 'refused') throw sessionFailures.notTakingMessages(record.session().id, state);
      core.forgetCrashes();
      if (state === 'stopped' || state === 'crashed' || state === 'error') core.beginStart('restart');
      else if (core.move('restart', 'restart')) core.worker()?.stop(settings.stopGraceMs);
      await record.stored();
      return record.session();
    },
    async stop({ isFinal }) {
      if (record.isFenced()) throw sessionFailures.elsewhere(record.session().id, null);
      core.stopTimers();
      if (isFinal && !record.session().endedAt) record.change({ endedAt: clock.now() });
      if (core.move('stop', 'stop')) {
        const target = core.worker();
        if (target) target.stop(settings.stopGraceMs);
        else if (record.session().state === 'stopping') core.startFailed('stopped before the worker was started');
      }
      await record.stored();
      return record.session();
    },
    async recover() {
      const { state, handle } = record.session();
      if (state === 'stopped' || state === 'crashed') return;
      if (!handle) {
        // No handle was stored, so that nothing can have survived: a start begins anew, anything else has ended.
        if (state === 'starting') core.openWorker(0);
        else core.workerEnded('no process was recorded before the server ended');
        return;
      }
      if ((await core.takeOver(handle)) === 'gone') return;
      if (state === 'starting') core.workerIsReady();
      else if (desk.inFlight()?.state === 'accepted') void core.writePrompt();
      else if (state === 'stopping' || state === 'restarting') core.worker()?.stop(settings.stopGraceMs);
      else if (state === 'error') core.worker()?.stop(0);
      else if (state === 'cancelling') core.awaitCancel();
    },
    async release() {
      core.stopTimers();
      await record
        .stored()
        .catch((error: unknown) =>
          options.logger.warn({ err: error, sessionId: record.session().id }, 'a session could not be stored at shutdown'),
        );
      record.close();
      core.release({ kind: 'host_shutdown' });
    },
  };
}
