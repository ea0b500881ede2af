import type { Clock } from '../ports/index.js';

/** A clock that goes only when a test moves it. Wall time and monotonic time move together, unless `jump` parts them. */
export interface FakeClock extends Clock {
  /**
   * Moves time on, firing each timer at its time, in order, and letting what it set off come to rest before the next.
   * @param settle awaited between timers; default: a few turns of the event loop, enough for an in-memory store.
   */
  advance(ms: number): Promise<void>;
  /** Moves until `done` is true, timer by timer; rejects with the span when it takes longer than `limitMs`. */
  advanceUntil(done: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  /** Moves time without firing timers, as a process stopped by SIGSTOP sees it; timers that are late fire with the next `advance`. */
  freeze(ms: number): void;
  readonly pendingTimers: number;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export function createFakeClock(options: { readonly start?: Date; readonly settle?: () => Promise<void> } = {}): FakeClock {
  const startMs = (options.start ?? new Date('2026-01-01T00:00:00.000Z')).getTime();
  const settle = options.settle ?? turns;
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let order = 0;

  const next = (untilMs: number): Timer | null => {
    let first: Timer | null = null;
    for (const timer of timers) {
      if (timer.atMs > untilMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  };
  const fire = async (timer: Timer): Promise<void> => {
    timers.delete(timer);
    elapsedMs = Math.max(elapsedMs, timer.atMs);
    timer.callback();
    await settle();
  };
  const advance = async (ms: number): Promise<void> => {
    const untilMs = elapsedMs + ms;
    await settle();
    for (let timer = next(untilMs); timer; timer = next(untilMs)) await fire(timer);
    elapsedMs = Math.max(elapsedMs, untilMs);
    await settle();
  };

  return {
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, callback) {
      const timer: Timer = { atMs: elapsedMs + Math.max(0, delayMs), order: order++, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance,
    async advanceUntil(done, limitMs = 3_600_000) {
      const untilMs = elapsedMs + limitMs;
      await settle();
      while (!(await done())) {
        const timer = next(untilMs);
        if (!timer) throw new Error(`Nothing that was waited for came to pass within ${limitMs} ms of the fake clock.`);
        await fire(timer);
      }
    },
    freeze(ms) {
      elapsedMs += ms;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}

/** Turns of the event loop; each lets every promise that is ready go on as far as it can. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
