import type { ServerMessage } from '@runbeat/protocol';
import { isRunbeatApiError } from '../api-error.js';
import type { Requester, RequestInput } from '../request.js';
import { type LiveLink, watchSilence } from './live-link.js';
import { createSseParser } from './sse-parser.js';

/** A link over server-sent events, read from a `fetch` response. The reader's pace is the connection's pace. */
export function createSseLink(
  requester: Requester,
  request: Pick<RequestInput, 'path' | 'query'>,
  silenceLimitMs: number,
): LiveLink {
  return async function* link(signal) {
    const gone = new AbortController();
    const watch = watchSilence(() => gone.abort(), silenceLimitMs);
    try {
      const response = await requester.open({
        method: 'GET',
        ...request,
        accept: 'text/event-stream',
        signal: AbortSignal.any([signal, gone.signal]),
      });
      const reader = response.body?.getReader();
      if (!reader) return;
      const decoder = new TextDecoder();
      const parser = createSseParser();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          watch.alive();
          for (const data of parser.push(decoder.decode(value, { stream: true }))) yield JSON.parse(data) as ServerMessage;
          // While the consumer worked on what it got, nothing was read; that silence is ours.
          watch.alive();
        }
      } finally {
        await reader.cancel().catch(() => undefined);
      }
    } catch (error) {
      if (isRunbeatApiError(error) && error.status !== 0) throw error;
      // No answer, or the answer broke off: the caller resumes.
    } finally {
      watch.stop();
      gone.abort();
    }
  };
}
