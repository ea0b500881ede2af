import { createApiError, isTransient } from '../cluster/api-error.js';
import { createBackoff } from '../cluster/backoff.js';
import type { Timings } from '../timings.js';

/**
 * Tries a call again while its failure may pass (no answer, 429, 5xx, 401), until `signal` aborts or `limitMs` is over;
 * then the last failure is thrown. Only for calls that may be made twice.
 */
export async function retryCall<T>(
  call: () => Promise<T>,
  options: { readonly timings: Timings; readonly signal: AbortSignal; readonly limitMs: number; readonly now: () => number },
): Promise<T> {
  const { timings, signal, limitMs, now } = options;
  const backoff = createBackoff(timings);
  const startedAt = now();
  for (;;) {
    if (signal.aborted) throw createApiError({ kind: 'aborted', message: 'given up' });
    try {
      return await call();
    } catch (error) {
      if (!isTransient(error) || now() - startedAt >= limitMs) throw error;
      if ((await backoff.wait(error, signal)) === 'aborted') throw error;
    }
  }
}
