import type { LiveEvent, RunSummary } from '@runbeat/protocol';
import type { RunbeatApiError } from '../api-error.js';
import { pathPart, type Requester } from '../request.js';
import { silenceLimitMs } from './live-link.js';
import { resume } from './resume.js';
import { createSseLink } from './sse-link.js';
import { createWebSocketLink, type WebSocketClass } from './websocket-link.js';

export interface EventsOptions {
  readonly companyId: string;
  /** Cursor of the last event that was worked on; absent = only what comes from now on. */
  readonly after?: number;
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal;
}

export type FollowedEvent =
  /** In order, none missing, none twice, over any number of reconnects. `cursor` = where to go on. */
  | { readonly type: 'event'; readonly event: LiveEvent; readonly cursor: number }
  /** What lies between was not kept: forget what you know, these runs are active now, events go on behind `cursor`. */
  | { readonly type: 'resync'; readonly runs: readonly RunSummary[]; readonly cursor: number }
  | { readonly type: 'connected'; readonly instanceId: string; readonly cursor: number }
  | {
      readonly type: 'disconnected';
      readonly error: RunbeatApiError | null;
      readonly retryInMs: number;
      readonly cursor: number | null;
    };

export interface LiveContext {
  readonly requester: Requester;
  /** Null = server-sent events. */
  readonly webSocket: WebSocketClass | null;
  readonly random?: () => number;
  readonly silenceLimitMs?: number;
}

/** A company's events, resumed by cursor whatever happens to the connection. */
export async function* followEvents(context: LiveContext, options: EventsOptions): AsyncGenerator<FollowedEvent, void> {
  const { requester, webSocket } = context;
  const limitMs = context.silenceLimitMs ?? silenceLimitMs;
  const signal = options.signal ?? new AbortController().signal;
  const path = `/api/companies/${pathPart(options.companyId)}/events`;
  let cursor: number | null = options.after ?? null;
  const linkFrom = async () => {
    const query = cursor === null ? {} : { after: cursor };
    if (webSocket === null) return createSseLink(requester, { path, query }, limitMs);
    // A WebSocket that is refused does not say why; a plain call does.
    await requester.json({ method: 'GET', path: `/api/companies/${pathPart(options.companyId)}`, signal });
    return createWebSocketLink(requester, { path: `${path}/ws`, query }, { webSocket, silenceLimitMs: limitMs });
  };
  for await (const linked of resume(linkFrom, signal, context.random)) {
    if (linked.kind === 'lost') {
      yield { type: 'disconnected', error: linked.error, retryInMs: linked.retryInMs, cursor };
      continue;
    }
    const { message } = linked;
    if (message.type === 'hello') {
      // Before the first event this is where this client stands; a later one only repeats what it asked for.
      cursor ??= message.cursor;
      yield { type: 'connected', instanceId: message.instanceId, cursor };
    } else if (message.type === 'resync') {
      cursor = message.cursor;
      yield { type: 'resync', runs: message.runs, cursor };
    } else if (message.type === 'events') {
      for (const event of message.events) {
        cursor = event.id;
        yield { type: 'event', event, cursor };
      }
    }
  }
}
