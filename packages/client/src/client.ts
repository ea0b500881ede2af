import type { JournalEntry, LogRecord } from '@runbeat/protocol';
import { type EventsOptions, type FollowedEvent, followEvents, type LiveContext } from './live/follow-events.js';
import { followRunLog, type RunLogOptions } from './live/follow-run-log.js';
import { followSessionJournal, type SessionJournalOptions } from './live/follow-session.js';
import type { WebSocketClass } from './live/websocket-link.js';
import { createRequester, type RequesterOptions } from './request.js';
import { adapterCalls } from './resources/adapters.js';
import { agentCalls } from './resources/agents.js';
import { apiKeyCalls } from './resources/api-keys.js';
import { companyCalls } from './resources/companies.js';
import { healthCalls } from './resources/health.js';
import { issueCalls } from './resources/issues.js';
import { runnerCalls } from './resources/runners.js';
import { runCalls } from './resources/runs.js';
import { sessionCalls } from './resources/sessions.js';

export interface ClientOptions extends RequesterOptions {
  /**
   * For live streams. Absent = the platform's own (browsers, Node 22 and newer), else server-sent events; null =
   * server-sent events in any case.
   */
  readonly webSocket?: WebSocketClass | null;
}

/** Calls of the Runbeat API. Each rejects with a `RunbeatApiError`; none is repeated by itself, the live streams resume. */
export interface RunbeatClient {
  readonly companies: ReturnType<typeof companyCalls>;
  readonly agents: ReturnType<typeof agentCalls>;
  readonly runs: ReturnType<typeof runCalls>;
  readonly issues: ReturnType<typeof issueCalls>;
  readonly adapters: ReturnType<typeof adapterCalls>;
  readonly apiKeys: ReturnType<typeof apiKeyCalls>;
  readonly sessions: ReturnType<typeof sessionCalls>;
  readonly runners: ReturnType<typeof runnerCalls>;
  readonly health: ReturnType<typeof healthCalls>;
  /** A company's events, each once and in order, over any number of reconnects and restarts of the server. */
  events(options: EventsOptions): AsyncGenerator<FollowedEvent, void>;
  /** A run's records, each once and in order, until the log is complete. */
  runLog(options: RunLogOptions): AsyncGenerator<LogRecord, void>;
  /** A session's journal, each entry once and in order, from `since` on and then live. */
  sessionJournal(options: SessionJournalOptions): AsyncGenerator<JournalEntry, void>;
}

export function createClient(options: ClientOptions): RunbeatClient {
  const requester = createRequester(options);
  const live: LiveContext = { requester, webSocket: webSocketOf(options) };
  return {
    companies: companyCalls(requester),
    agents: agentCalls(requester),
    runs: runCalls(requester),
    issues: issueCalls(requester),
    adapters: adapterCalls(requester),
    apiKeys: apiKeyCalls(requester),
    sessions: sessionCalls(requester),
    runners: runnerCalls(requester),
    health: healthCalls(requester),
    events: (query) => followEvents(live, query),
    runLog: (query) => followRunLog(live, query),
    sessionJournal: (query) => followSessionJournal(live, query),
  };
}

function webSocketOf({ webSocket }: ClientOptions): WebSocketClass | null {
  if (webSocket !== undefined) return webSocket;
  return (globalThis as { readonly WebSocket?: WebSocketClass }).WebSocket ?? null;
}
