import { sleep } from '@runbeat/adapter-sdk';
import type { Timings } from '../timings.js';
import { isApiError } from './api-error.js';

/** Full-jitter waits between tries of one thing. */
export interface Backoff {
  /** Waits; `aborted` when the signal said so. A `Retry-After` of the server is the least. */
  wait(error: unknown, signal: AbortSignal): Promise<'elapsed' | 'aborted'>;
  reset(): void;
}

export function createBackoff(timings: Pick<Timings, 'backoffMinMs' | 'backoffMaxMs'>): Backoff {
  let tries = 0;
  return {
    wait(error, signal) {
      const ceiling = Math.min(timings.backoffMaxMs, timings.backoffMinMs * 2 ** Math.min(tries, 20));
      tries += 1;
      const jittered = ceiling / 2 + Math.random() * (ceiling / 2);
      const asked = isApiError(error) ? Math.min(error.retryAfterMs ?? 0, timings.backoffMaxMs * 4) : 0;
      return sleep(Math.max(jittered, asked), signal);
    },
    reset() {
      tries = 0;
    },
  };
}
