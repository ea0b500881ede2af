import type { JournalEntry, Session } from '@runbeat/protocol';
import { RunbeatApiError } from '../api-error.js';
import { pathPart } from '../request.js';
import type { LiveContext } from './follow-events.js';
import { type LiveLink, silenceLimitMs } from './live-link.js';
import { resume } from './resume.js';
import { createSseLink } from './sse-link.js';
import { createWebSocketLink } from './websocket-link.js';

export interface SessionJournalOptions {
  readonly sessionId: string;
  /** `seq` of the last entry that was worked on; default 0 = from the start. */
  readonly since?: number;
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal;
}

/** A session's journal, what is stored and then what follows; ends by `signal` only, since a session has no last word. */
export async function* followSessionJournal(
  context: LiveContext,
  options: SessionJournalOptions,
): AsyncGenerator<JournalEntry, void> {
  const { requester, webSocket } = context;
  const limitMs = context.silenceLimitMs ?? silenceLimitMs;
  const signal = options.signal ?? new AbortController().signal;
  const { sessionId } = options;
  const sessionPath = `/api/sessions/${pathPart(sessionId)}`;
  let seq = options.since ?? 0;
  const linkFrom = async () => {
    if (webSocket === null) {
      return untilFailure(createSseLink(requester, { path: `${sessionPath}/journal/stream`, query: { since: seq } }, limitMs));
    }
    // Also says why, where a refused WebSocket does not.
    const session = await requester.json<Session>({ method: 'GET', path: sessionPath, signal });
    const path = `/api/companies/${pathPart(session.companyId)}/events/ws`;
    const first = { subscribe: { sessionId, since: seq } };
    return untilFailure(
      createWebSocketLink(requester, { path, query: { events: false } }, { webSocket, silenceLimitMs: limitMs, first }),
    );
  };
  for await (const linked of resume(linkFrom, signal, context.random)) {
    if (linked.kind === 'lost' || linked.message.type !== 'session') continue;
    for (const entry of linked.message.entries) {
      seq = entry.seq;
      yield entry;
    }
  }
}

/** The server ends a subscription by an error and leaves the connection open; here the link ends with it. */
function untilFailure(link: LiveLink): LiveLink {
  return async function* failing(signal) {
    for await (const message of link(signal)) {
      if (message.type !== 'error') yield message;
      else if (message.code === 'session_not_found') {
        throw new RunbeatApiError({ code: message.code, status: 404, message: message.message });
      } else return;
    }
  };
}
