import type { ServerMessage } from '@runbeat/protocol';
import { isRunbeatApiError, type RunbeatApiError } from '../api-error.js';
import { createBackoff, pause } from './backoff.js';
import type { LiveLink } from './live-link.js';

export type Linked =
  | { readonly kind: 'message'; readonly message: ServerMessage }
  /** The link was lost, or could not be made; it is tried again after `retryInMs`. */
  | { readonly kind: 'lost'; readonly error: RunbeatApiError | null; readonly retryInMs: number };

/**
 * Messages over as many links as it takes, until `signal` aborts. Throws when the server refuses in a way that another try
 * does not change: no such company, no access.
 * @param linkFrom makes the next link, from where the consumer got to.
 */
export async function* resume(
  linkFrom: () => LiveLink | Promise<LiveLink>,
  signal: AbortSignal,
  random?: () => number,
): AsyncGenerator<Linked, void> {
  const backoff = createBackoff(random);
  while (!signal.aborted) {
    let error: RunbeatApiError | null = null;
    try {
      const link = await linkFrom();
      for await (const message of link(signal)) {
        // A greeting alone proves nothing: the trouble may come after it.
        if (message.type !== 'hello' && message.type !== 'error') backoff.reset();
        yield { kind: 'message', message };
      }
    } catch (caught) {
      if (signal.aborted) return;
      if (!isRunbeatApiError(caught) || !isWorthAnotherTry(caught)) throw caught;
      error = caught;
    }
    if (signal.aborted) return;
    const retryInMs = Math.max(backoff.nextMs(), error?.retryAfterMs ?? 0);
    yield { kind: 'lost', error, retryInMs };
    await pause(retryInMs, signal);
  }
}

/** No answer, overload, a restart, a proxy in between. */
function isWorthAnotherTry(error: RunbeatApiError): boolean {
  return error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500;
}
