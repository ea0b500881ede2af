import type { HostClock } from '../host-clock.js';

const FIRST_DELAY_MS = 30_000;
const LONGEST_DELAY_MS = 10 * 60_000;

/** When a package that could not be had is worth another try. */
export interface RetryTimes {
  isDue(name: string): boolean;
  failed(name: string): void;
  succeeded(name: string): void;
}

export function createRetryTimes(clock: Pick<HostClock, 'monotonicMs'>): RetryTimes {
  const failures = new Map<string, { count: number; dueAtMs: number }>();
  return {
    isDue: (name) => clock.monotonicMs() >= (failures.get(name)?.dueAtMs ?? 0),
    failed(name) {
      const count = (failures.get(name)?.count ?? 0) + 1;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - 1));
      failures.set(name, { count, dueAtMs: clock.monotonicMs() + delayMs });
    },
    succeeded: (name) => void failures.delete(name),
  };
}
