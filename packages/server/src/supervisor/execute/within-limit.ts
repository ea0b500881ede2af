import { wait } from '../loops/wait.js';
import type { Clock } from '../ports/index.js';

/**
 * Calls something foreign with a signal and waits no longer than `limitMs`, whether it heeds the signal or not. What it
 * does afterwards is dropped. Rejects as `work` does.
 */
export async function withinLimit<T>(
  clock: Clock,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly isLate: false; readonly value: T } | { readonly isLate: true }> {
  const expired = new AbortController();
  const finished = new AbortController();
  const late = wait(clock, limitMs, finished.signal).then(() => {
    expired.abort();
    // One turn for whoever heeds the signal and answers at once.
    return wait(clock, 0).then(() => ({ isLate: true }) as const);
  });
  const answered = (async () => ({ isLate: false, value: await work(expired.signal) }) as const)();
  try {
    return await Promise.race([answered, late]);
  } finally {
    finished.abort();
    answered.catch(() => undefined);
  }
}
