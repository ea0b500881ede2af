import { planBackoff } from './backoff.js';
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from './connection-state.js';

export interface ConnectionSettings {
  readonly firstRetryMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly rejectedRetryMs: number;
}

export interface ConnectionMoment {
  /** Wall clock. */
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  readonly settings: ConnectionSettings;
}

export interface ConnectionPlan {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

const RECENT_MS = 600_000;
/** The second failure in a row on a side channel ends the connection, whatever the polls say. */
const SIDE_FAILURE_LIMIT = 2;

/** What a connection becomes by an event, and what is to be done. Pure; every pair of status and event is answered. */
export function planConnection(state: ConnectionState, event: ConnectionEvent, moment: ConnectionMoment): ConnectionPlan {
  if ('attemptId' in event && event.attemptId !== state.attemptId) return ignore(state);
  switch (event.type) {
    case 'start':
      return state.status === 'stopped' ? connect({ ...state, status: 'registering' }) : ignore(state);
    case 'stop':
      return stop(state);
    case 'drained':
      return state.status === 'draining' ? close(state) : ignore(state);
    case 'retry-due':
      return isAttempting(state) ? connect(countReconnect(state, moment)) : ignore(state);
    case 'connected':
      return isAttempting(state) ? connected(state, event, moment) : ignore(state);
    case 'attempt-failed':
      return isAttempting(state) ? retry(withError(state, event.message, moment), event.retryAfterMs, moment) : ignore(state);
    case 'poll-succeeded':
      return state.status === 'streaming' ? pollSucceeded(state, event.cursor, moment) : ignore(state);
    case 'poll-failed':
      return state.status === 'streaming'
        ? lose(withError(state, event.message, moment), event.retryAfterMs, moment)
        : ignore(state);
    case 'heartbeat-succeeded':
      return hasSession(state)
        ? only({ ...state, heartbeatFailures: 0, lastHeartbeatAtMs: moment.nowMs, isLastHeartbeatOk: true })
        : ignore(state);
    case 'heartbeat-failed':
      return hasSession(state) ? heartbeatFailed(state, event.message, moment) : ignore(state);
    case 'job-request-succeeded':
      return hasSession(state) ? only({ ...state, jobFailures: 0 }) : ignore(state);
    case 'job-request-failed':
      return hasSession(state) ? jobRequestFailed(state, event.message, moment) : ignore(state);
    case 'resync':
      if (isAttempting(state)) return retry(withError(state, event.message, moment), null, moment);
      return state.status === 'streaming' ? lose(withError(state, event.message, moment), null, moment) : ignore(state);
    case 'rejected':
      return isAttempting(state) || state.status === 'streaming' ? reject(state, event, moment) : ignore(state);
    case 'timer-gap':
      return timerGap(state, event.gapMs, moment);
  }
}

function isAttempting(state: ConnectionState): boolean {
  return state.status === 'registering' || state.status === 'reconnecting' || state.status === 'rejected';
}

/** Side channels (heartbeats, jobs) go on while draining. */
function hasSession(state: ConnectionState): boolean {
  return state.session !== null && (state.status === 'streaming' || state.status === 'draining');
}

const ignore = (state: ConnectionState): ConnectionPlan => ({ state, effects: [] });
const only = ignore;

function connect(state: ConnectionState): ConnectionPlan {
  const attemptId = state.attemptId + 1;
  return { state: { ...state, attemptId, nextRetryAtMs: null }, effects: [{ type: 'connect', attemptId }] };
}

function connected(
  state: ConnectionState,
  event: Extract<ConnectionEvent, { type: 'connected' }>,
  moment: ConnectionMoment,
): ConnectionPlan {
  const { attemptId } = state;
  return {
    state: {
      ...state,
      status: 'streaming',
      session: event.session,
      cursor: event.cursor,
      goodPolls: 1,
      heartbeatFailures: 0,
      jobFailures: 0,
      consecutiveFailures: 0,
      isSuperseded: false,
      streamConnectedSinceMs: moment.nowMs,
      lastPollOkAtMs: moment.nowMs,
      nextRetryAtMs: null,
    },
    effects: [
      { type: 'start-heartbeats', attemptId },
      { type: 'poll', attemptId },
    ],
  };
}

function pollSucceeded(state: ConnectionState, cursor: number, moment: ConnectionMoment): ConnectionPlan {
  const goodPolls = state.goodPolls + 1;
  return {
    state: { ...state, cursor, goodPolls, backoffStep: goodPolls >= 2 ? 0 : state.backoffStep, lastPollOkAtMs: moment.nowMs },
    effects: [{ type: 'poll', attemptId: state.attemptId }],
  };
}

/** Leaves `streaming` now: nothing that was sent before counts any more, and nobody waits for its end. */
function lose(state: ConnectionState, retryAfterMs: number | null, moment: ConnectionMoment): ConnectionPlan {
  // A connection that breaks again right after each reconnect is no good one: its pauses go on growing.
  const isFirstLoss = state.goodPolls >= 2 || state.reconnectCount === 0;
  const lost = { ...state, status: 'reconnecting' as const, session: null, streamConnectedSinceMs: null, goodPolls: 0 };
  return retry(lost, retryAfterMs, moment, isFirstLoss ? 0 : state.backoffStep + 1);
}

/** The next attempt after a pause. `step` = failed attempts since the connection was last good. */
function retry(
  state: ConnectionState,
  retryAfterMs: number | null,
  moment: ConnectionMoment,
  step: number = state.backoffStep + 1,
): ConnectionPlan {
  const attemptId = state.attemptId + 1;
  const delayMs = planBackoff({ step, retryAfterMs, random: moment.random, ...moment.settings });
  const status = state.status === 'rejected' ? 'reconnecting' : state.status;
  return {
    state: {
      ...state,
      status,
      attemptId,
      backoffStep: step,
      consecutiveFailures: state.consecutiveFailures + 1,
      nextRetryAtMs: moment.nowMs + delayMs,
    },
    effects: [{ type: 'abort-requests' }, { type: 'schedule-retry', attemptId, delayMs }],
  };
}

function reject(
  state: ConnectionState,
  event: Extract<ConnectionEvent, { type: 'rejected' }>,
  moment: ConnectionMoment,
): ConnectionPlan {
  const attemptId = state.attemptId + 1;
  // Half the time up to one and a half: two processes that fight for one id drift apart.
  const delayMs = Math.floor(moment.settings.rejectedRetryMs * (0.5 + moment.random));
  return {
    state: {
      ...withError(state, event.message, moment),
      status: 'rejected',
      attemptId,
      session: null,
      streamConnectedSinceMs: null,
      goodPolls: 0,
      consecutiveFailures: state.consecutiveFailures + 1,
      isSuperseded: state.isSuperseded || event.isSuperseded,
      nextRetryAtMs: moment.nowMs + delayMs,
    },
    effects: [{ type: 'abort-requests' }, { type: 'schedule-retry', attemptId, delayMs }],
  };
}

function heartbeatFailed(state: ConnectionState, message: string, moment: ConnectionMoment): ConnectionPlan {
  const failures = state.heartbeatFailures + 1;
  const next = {
    ...withError(state, message, moment),
    heartbeatFailures: failures,
    lastHeartbeatAtMs: moment.nowMs,
    isLastHeartbeatOk: false,
  };
  return failures >= SIDE_FAILURE_LIMIT && state.status === 'streaming' ? lose(next, null, moment) : only(next);
}

function jobRequestFailed(state: ConnectionState, message: string, moment: ConnectionMoment): ConnectionPlan {
  const next = { ...withError(state, message, moment), jobFailures: state.jobFailures + 1 };
  return next.jobFailures >= SIDE_FAILURE_LIMIT && state.status === 'streaming' ? lose(next, null, moment) : only(next);
}

function timerGap(state: ConnectionState, gapMs: number, moment: ConnectionMoment): ConnectionPlan {
  const message = `this process did not run for ${Math.round(gapMs)} ms (sleep or SIGSTOP)`;
  if (state.status === 'streaming') {
    const lost = { ...withError(state, message, moment), session: null, streamConnectedSinceMs: null, goodPolls: 0 };
    return reconnectNow({ ...lost, status: 'reconnecting' }, moment);
  }
  return isAttempting(state) ? reconnectNow(withError(state, message, moment), moment) : ignore(state);
}

function reconnectNow(state: ConnectionState, moment: ConnectionMoment): ConnectionPlan {
  const plan = connect(countReconnect(state, moment));
  return { state: plan.state, effects: [{ type: 'abort-requests' }, ...plan.effects] };
}

function stop(state: ConnectionState): ConnectionPlan {
  if (state.status === 'stopped' || state.status === 'draining') return ignore(state);
  if (state.status === 'streaming') return { state: { ...state, status: 'draining' }, effects: [{ type: 'drain' }] };
  const attemptId = state.attemptId + 1;
  return {
    state: { ...state, status: 'draining', attemptId, session: null, nextRetryAtMs: null },
    effects: [{ type: 'abort-requests' }, { type: 'drain' }],
  };
}

function close(state: ConnectionState): ConnectionPlan {
  return {
    state: { ...state, status: 'stopped', attemptId: state.attemptId + 1, session: null, streamConnectedSinceMs: null },
    effects: [{ type: 'abort-requests' }, { type: 'close' }],
  };
}

function countReconnect(state: ConnectionState, moment: ConnectionMoment): ConnectionState {
  if (state.status === 'registering') return state;
  return {
    ...state,
    reconnectCount: state.reconnectCount + 1,
    recentReconnectsMs: [...state.recentReconnectsMs.filter((at) => moment.nowMs - at < RECENT_MS), moment.nowMs],
  };
}

function withError(state: ConnectionState, message: string, moment: ConnectionMoment): ConnectionState {
  return { ...state, lastError: message, lastErrorAtMs: moment.nowMs };
}
