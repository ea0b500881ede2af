import type { HeartbeatRun, LogRecord } from '@runbeat/protocol';
import { RunbeatApiError } from '../api-error.js';
import { pathPart } from '../request.js';
import type { LiveContext } from './follow-events.js';
import { type LiveLink, silenceLimitMs } from './live-link.js';
import { resume } from './resume.js';
import { createSseLink } from './sse-link.js';
import { createWebSocketLink } from './websocket-link.js';

export interface RunLogOptions {
  readonly runId: string;
  /** `seq` of the last record that was worked on; default 0 = from the start. */
  readonly afterSeq?: number;
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal;
}

/** A run's records, from the store and then as they are written; returns when the log is complete. */
export async function* followRunLog(context: LiveContext, options: RunLogOptions): AsyncGenerator<LogRecord, void> {
  const { requester, webSocket } = context;
  const limitMs = context.silenceLimitMs ?? silenceLimitMs;
  const signal = options.signal ?? new AbortController().signal;
  const { runId } = options;
  const runPath = `/api/heartbeat-runs/${pathPart(runId)}`;
  let seq = options.afterSeq ?? 0;
  const linkFrom = async () => {
    if (webSocket === null) {
      return untilFailure(createSseLink(requester, { path: `${runPath}/log/stream`, query: { after: seq } }, limitMs));
    }
    // Also says why, where a refused WebSocket does not.
    const run = await requester.json<HeartbeatRun>({ method: 'GET', path: runPath, signal });
    const path = `/api/companies/${pathPart(run.companyId)}/events/ws`;
    return untilFailure(
      createWebSocketLink(
        requester,
        { path, query: { events: false } },
        { webSocket, silenceLimitMs: limitMs, first: { subscribe: { runId, afterSeq: seq } } },
      ),
    );
  };
  for await (const linked of resume(linkFrom, signal, context.random)) {
    if (linked.kind === 'lost') continue;
    const { message } = linked;
    if (message.type === 'log-completed') return;
    if (message.type !== 'log') continue;
    for (const record of message.records) {
      seq = record.seq;
      yield record;
    }
  }
}

/** The server ends a subscription by an error and leaves the connection open; here the link ends with it. */
function untilFailure(link: LiveLink): LiveLink {
  return async function* failing(signal) {
    for await (const message of link(signal)) {
      if (message.type !== 'error') yield message;
      else if (message.code === 'run_not_found') {
        throw new RunbeatApiError({ code: message.code, status: 404, message: message.message });
      } else return;
    }
  };
}
