import type { RunnerClientStatus, RunnerSessionOpened } from '@runbeat/protocol';

/**
 * The runner's connection to its server.
 *
 * - `stopped`: entry, and the end. Nothing is sent.
 * - `registering`: it never had a session since `start`; attempts go on until one succeeds.
 * - `streaming`: a session is open and its last poll was answered. Left with the first failed or overdue poll, the second
 *   failed heartbeat or job request in a row, a timer gap, or a refusal.
 * - `reconnecting`: it had a session; attempts with backoff until one succeeds.
 * - `rejected`: the server refuses (401, 403, 426, another process has the id); attempts go on, slowly.
 * - `draining`: `stop` was called; no new work, what is finished is delivered; left by `drained`.
 *
 * Written by `planConnection` only.
 */
export interface ConnectionState {
  readonly status: RunnerClientStatus;
  /** Rises with each loss and each attempt; results that carry an older one are dropped. */
  readonly attemptId: number;
  /** Set in `streaming`, and in `draining` when it came from there. */
  readonly session: RunnerSessionOpened | null;
  readonly cursor: number;
  /** Failed attempts since the last two good polls in a row. */
  readonly backoffStep: number;
  readonly goodPolls: number;
  readonly heartbeatFailures: number;
  readonly jobFailures: number;
  readonly consecutiveFailures: number;
  /** Another process took this id over; we ask politely from now on. */
  readonly isSuperseded: boolean;
  readonly reconnectCount: number;
  /** Wall-clock milliseconds; null = not connected. */
  readonly streamConnectedSinceMs: number | null;
  readonly nextRetryAtMs: number | null;
  readonly lastPollOkAtMs: number | null;
  readonly lastHeartbeatAtMs: number | null;
  readonly isLastHeartbeatOk: boolean | null;
  readonly lastError: string | null;
  readonly lastErrorAtMs: number | null;
  /** Start times of attempts to reconnect within the last 10 minutes. */
  readonly recentReconnectsMs: readonly number[];
}

export const initialConnectionState: ConnectionState = {
  status: 'stopped',
  attemptId: 0,
  session: null,
  cursor: 0,
  backoffStep: 0,
  goodPolls: 0,
  heartbeatFailures: 0,
  jobFailures: 0,
  consecutiveFailures: 0,
  isSuperseded: false,
  reconnectCount: 0,
  streamConnectedSinceMs: null,
  nextRetryAtMs: null,
  lastPollOkAtMs: null,
  lastHeartbeatAtMs: null,
  isLastHeartbeatOk: null,
  lastError: null,
  lastErrorAtMs: null,
  recentReconnectsMs: [],
};

/** Everything that can happen to a connection. `attemptId` = the one under which the request was sent. */
export type ConnectionEvent =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'drained' }
  | { readonly type: 'retry-due'; readonly attemptId: number }
  /** Session opened and first poll answered. */
  | { readonly type: 'connected'; readonly attemptId: number; readonly session: RunnerSessionOpened; readonly cursor: number }
  | {
      readonly type: 'attempt-failed';
      readonly attemptId: number;
      readonly message: string;
      readonly retryAfterMs: number | null;
    }
  | { readonly type: 'poll-succeeded'; readonly attemptId: number; readonly cursor: number }
  | { readonly type: 'poll-failed'; readonly attemptId: number; readonly message: string; readonly retryAfterMs: number | null }
  | { readonly type: 'heartbeat-succeeded'; readonly attemptId: number }
  | { readonly type: 'heartbeat-failed'; readonly attemptId: number; readonly message: string }
  | { readonly type: 'job-request-succeeded'; readonly attemptId: number }
  | { readonly type: 'job-request-failed'; readonly attemptId: number; readonly message: string }
  /** 409 `session_resync`, 404: the server forgot us; open a session anew. */
  | { readonly type: 'resync'; readonly attemptId: number; readonly message: string }
  /** 401, 403, 426, `session_superseded`, `session_active`. */
  | { readonly type: 'rejected'; readonly attemptId: number; readonly message: string; readonly isSuperseded: boolean }
  /** The machine slept or the process was stopped. */
  | { readonly type: 'timer-gap'; readonly gapMs: number };

export type ConnectionEffect =
  /** Register if necessary, open a session, poll once without waiting. */
  | { readonly type: 'connect'; readonly attemptId: number }
  | { readonly type: 'poll'; readonly attemptId: number }
  | { readonly type: 'start-heartbeats'; readonly attemptId: number }
  /** Abort every request under way and forget the sockets. Never waits. */
  | { readonly type: 'abort-requests' }
  | { readonly type: 'schedule-retry'; readonly attemptId: number; readonly delayMs: number }
  | { readonly type: 'drain' }
  | { readonly type: 'close' };
