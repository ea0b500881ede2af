import type { Clock } from '../ports/index.js';

/** Node's timers hold 31 bits; a longer wait fires at once there. */
const longestTimerMs = 2_147_483_647;

/** Resolves after `delayMs` of the clock, or as soon as `signal` aborts. Never rejects. */
export function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = setLongTimer(clock, delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** `setTimer` for spans that may be longer than a timer can hold (a deadline in two months). */
export function setLongTimer(clock: Clock, delayMs: number, callback: () => void): () => void {
  let cancel = (): void => undefined;
  const arm = (leftMs: number): void => {
    const span = Math.max(0, Math.min(leftMs, longestTimerMs));
    cancel = clock.setTimer(span, () => (leftMs > span ? arm(leftMs - span) : callback()));
  };
  arm(delayMs);
  return () => cancel();
}
