/** Waits between tries: full jitter, so that a thousand clients of a restarted server do not come back at once. */
export interface Backoff {
  /** How long to wait now; each call doubles the bound, from 0.25 s to 15 s. */
  nextMs(): number;
  /** The link worked. */
  reset(): void;
}

const firstBoundMs = 250;
const lastBoundMs = 15_000;

/** @param random 0 ≤ x < 1. */
export function createBackoff(random: () => number = Math.random): Backoff {
  let boundMs = firstBoundMs;
  return {
    nextMs() {
      const delayMs = random() * boundMs;
      boundMs = Math.min(lastBoundMs, boundMs * 2);
      return delayMs;
    },
    reset() {
      boundMs = firstBoundMs;
    },
  };
}

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
  });
}
