import type { HostClock } from '../src/index.js';

/** A clock whose time passes when the test says so. */
export interface SteeredClock extends HostClock {
  /** Let time pass, timer by timer, in order. */
  advance(ms: number): void;
  /** Time passes all at once, as while the machine sleeps: no timer fires in between. */
  jump(ms: number): void;
  /** Delays of the timers that wait now. */
  readonly waiting: readonly number[];
}

export function createSteeredClock(): SteeredClock {
  let now = 0;
  const timers = new Set<{ at: number; delayMs: number; callback: () => void }>();
  return {
    monotonicMs: () => now,
    setTimer(delayMs, callback) {
      const timer = { at: now + delayMs, delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.callback();
      }
      now = end;
    },
    jump(ms) {
      now += ms;
    },
    get waiting() {
      return [...timers].map((timer) => timer.delayMs).sort((a, b) => a - b);
    },
  };
}
