/** Time as the runner sees it; tests steer it. */
export interface RunnerClock {
  now(): Date;
  /** Milliseconds that never run backwards. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

/** Real time. Its timers keep the process alive: a runner lives until it is stopped. */
export const systemRunnerClock: RunnerClock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
