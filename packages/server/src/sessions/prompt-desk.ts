import type { Json } from '@runbeat/adapter-sdk';
import type { Clock } from '../supervisor/ports/index.js';
import { isSettled, type SessionPrompt, type SettledPromptState } from './session.js';
import { sessionFailures } from './session-failures.js';
import type { SessionRecord } from './session-record.js';

/** When the answer to a message is given: when the agent took it up, or when it is settled. */
export type PromptWait = 'acknowledged' | 'settled';

/**
 * The prompt in flight (at most one) and those who wait for it. A prompt goes
 * `accepted → written → acknowledged → completed | failed | cancelled | lost`; the last step is taken once, and the
 * prompt is out of flight before anybody is told.
 */
export interface PromptDesk {
  readonly inFlight: () => SessionPrompt | null;
  isInFlight(promptId: string): boolean;
  /** In flight, or settled a moment ago and perhaps not stored yet. */
  find(promptId: string): SessionPrompt | null;
  /** False = an id that `find` does not know may still be one of this session's history. */
  knowsAll(): boolean;
  accept(promptId: string, prompt: Json): void;
  /** Null when nothing is waiting to be written. */
  markWritten(): SessionPrompt | null;
  acknowledge(promptId: string): void;
  /** Null when nothing was in flight. */
  settle(state: SettledPromptState, code: string | null, message: string | null, result: Json): SessionPrompt | null;
  wait(promptId: string, until: PromptWait): Promise<SessionPrompt>;
  rejectAll(error: Error): void;
}

interface Waiter {
  readonly promptId: string;
  readonly until: PromptWait;
  resolve(prompt: SessionPrompt): void;
  reject(error: Error): void;
}

/** Outcomes kept in memory per session; older ones are in the database. */
const rememberedPrompts = 200;

/** Codes of prompts that the worker's end settled: the caller gets them as an error, not as an answer of the agent. */
const workerFailureCodes: readonly string[] = ['stdin_broken', 'write_timeout', 'start_failed'];

export function createPromptDesk(options: {
  readonly record: SessionRecord;
  readonly clock: Clock;
  readonly unsettled: readonly SessionPrompt[];
  readonly acknowledgeTimeoutMs: number;
  /** The session was made by this process and has no history elsewhere. */
  readonly isNew: boolean;
}): PromptDesk {
  const { record, clock } = options;
  let inFlight: SessionPrompt | null = options.unsettled[0] ?? null;
  /** Settled ones, newest last: a repeated id is answered without asking the database. */
  const settledHere = new Map<string, SessionPrompt>();
  /** Every prompt of the session is in `settledHere` or in flight, so that an unknown id is surely new. */
  let isMemoryWhole = options.isNew;
  const waiters = new Set<Waiter>();

  function put(prompt: SessionPrompt): SessionPrompt {
    record.putPrompt(prompt);
    return prompt;
  }

  /** Tells those whose moment has come, after it is stored. */
  function tell(prompt: SessionPrompt): void {
    const ready = [...waiters].filter(
      (waiter) => waiter.promptId === prompt.id && (isSettled(prompt) || waiter.until === 'acknowledged'),
    );
    for (const waiter of ready) waiters.delete(waiter);
    if (ready.length === 0) return;
    record.stored().then(
      () => {
        for (const waiter of ready) answer(waiter, prompt);
      },
      (error: Error) => {
        for (const waiter of ready) waiter.reject(error);
      },
    );
  }

  function answer(waiter: Waiter, prompt: SessionPrompt): void {
    if (prompt.state === 'failed' && prompt.code !== null && workerFailureCodes.includes(prompt.code)) {
      waiter.reject(sessionFailures.writeFailed(record.session().id, prompt.code as 'stdin_broken', prompt.message ?? ''));
    } else waiter.resolve(prompt);
  }

  return {
    inFlight: () => inFlight,
    isInFlight: (promptId) => inFlight?.id === promptId,
    find: (promptId) => (inFlight?.id === promptId ? inFlight : (settledHere.get(promptId) ?? null)),
    knowsAll: () => isMemoryWhole,
    accept(promptId, prompt) {
      inFlight = put({
        id: promptId,
        prompt,
        state: 'accepted',
        workerId: null,
        code: null,
        message: null,
        result: null,
        acceptedAt: clock.now(),
        settledAt: null,
      });
      record.append('input', { promptId, data: { prompt } });
    },
    markWritten() {
      if (inFlight?.state !== 'accepted') return null;
      inFlight = put({ ...inFlight, state: 'written', workerId: record.session().workerId });
      return inFlight;
    },
    acknowledge(promptId) {
      if (inFlight?.id !== promptId || (inFlight.state !== 'accepted' && inFlight.state !== 'written')) return;
      inFlight = put({ ...inFlight, state: 'acknowledged' });
      record.append('acknowledged', { promptId, data: null });
      tell(inFlight);
    },
    settle(state, code, message, result) {
      if (!inFlight) return null;
      const settled = put({ ...inFlight, state, code, message, result, settledAt: clock.now() });
      inFlight = null;
      settledHere.set(settled.id, settled);
      const oldest = settledHere.keys().next();
      if (settledHere.size > rememberedPrompts && !oldest.done) {
        settledHere.delete(oldest.value);
        isMemoryWhole = false;
      }
      record.append('settled', { promptId: settled.id, data: { state, code, message, result } });
      tell(settled);
      return settled;
    },
    wait(promptId, until) {
      const known = inFlight?.id === promptId ? inFlight : (settledHere.get(promptId) ?? null);
      if (known && (isSettled(known) || (until === 'acknowledged' && known.state === 'acknowledged'))) {
        return record.stored().then(() => new Promise((resolve, reject) => answer({ promptId, until, resolve, reject }, known)));
      }
      return new Promise<SessionPrompt>((resolve, reject) => {
        const finish =
          <Value>(action: (value: Value) => void) =>
          (value: Value): void => {
            stopTimer();
            action(value);
          };
        const waiter: Waiter = { promptId, until, resolve: finish(resolve), reject: finish(reject) };
        waiters.add(waiter);
        // An agent that reads without saying so is not asked again; the answer then says how far the prompt came.
        const stopTimer =
          until === 'settled'
            ? (): void => undefined
            : clock.setTimer(options.acknowledgeTimeoutMs, () => {
                if (waiters.delete(waiter) && inFlight?.id === promptId) resolve(inFlight);
              });
      });
    },
    rejectAll(error) {
      for (const waiter of waiters) waiter.reject(error);
      waiters.clear();
    },
  };
}
