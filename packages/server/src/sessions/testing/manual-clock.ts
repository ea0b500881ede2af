import type { Clock } from '../../supervisor/ports/index.js';

/** Time that a test moves; timers fire when it does, in order. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function createManualClock(): ManualClock {
  let nowMs = 1_000_000;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    setTimer(delayMs, callback) {
      const timer = { at: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      nowMs += ms;
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at <= nowMs && timers.delete(timer)) timer.callback();
      }
    },
  };
}

/** Lets everything that is ready run: promise chains of the actor, the store and the scripted worker. */
export const settleDown = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
