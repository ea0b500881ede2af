import { errorCodeOf, errorMessageOf } from '../model/index.js';
import type { Clock, Logger } from '../ports/index.js';
import { wait } from './wait.js';

const firstDelayMs = 200;
const longestDelayMs = 5_000;

/**
 * Repeats `work` while the database cannot be reached: what has to be written down waits for it. Other errors, and
 * `signal`, end it by rejecting with the last error.
 */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  options: { readonly what: string; readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> {
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    try {
      return await work();
    } catch (error) {
      if (errorCodeOf(error) !== 'database_unavailable' || options.signal.aborted) throw error;
      options.logger.warn({ what: options.what, delayMs, error: errorMessageOf(error) }, 'database away, trying again');
      await wait(options.clock, delayMs, options.signal);
      if (options.signal.aborted) throw error;
    }
  }
}
