/** The time that heartbeats, backoff and limits go by. Injected, so that tests steer it; the server's `Clock` fits. */
export interface HostClock {
  /** Milliseconds that never run backwards. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Real time. Its timers do not keep the process alive. */
export const systemClock: HostClock = {
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
