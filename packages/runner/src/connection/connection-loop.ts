import type { RunnerMessage, RunnerSessionOpened, RunnerVerdict } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import type { RunnerClientSettings } from '../runner-settings.js';
import type { TransportAnswer } from '../transport/runner-transport.js';
import { type ConnectionEffect, type ConnectionEvent, type ConnectionState, initialConnectionState } from './connection-state.js';
import { createHeartbeatLoop } from './heartbeat-loop.js';
import { planConnection } from './plan-connection.js';
import { eventFromRefusal } from './refusal-event.js';
import { watchTimerGaps } from './timer-gap.js';

/** What the loop does not know itself: who it is for and how the calls are made. */
export interface ConnectionPeer {
  /** Registers if necessary and opens a session. */
  openSession(options: {
    readonly isTakeover: boolean;
    readonly signal: AbortSignal;
  }): Promise<TransportAnswer<RunnerSessionOpened>>;
  poll(
    session: RunnerSessionOpened,
    query: { readonly cursor: number; readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<TransportAnswer<{ messages: RunnerMessage[]; cursor: number; serverIncarnation: string }>>;
  heartbeat(session: RunnerSessionOpened, signal: AbortSignal): Promise<TransportAnswer<{ jobs: RunnerVerdict[] }>>;
  resetSockets(): void;
  /** A session is open and polls are answered: hand verdicts and messages to the jobs, send what waits. */
  onConnected(session: RunnerSessionOpened, messages: readonly RunnerMessage[]): void;
  onMessages(messages: readonly RunnerMessage[]): void;
  onVerdicts(verdicts: readonly RunnerVerdict[]): void;
  /** Stop taking work and deliver; resolves when there is nothing left to do, or time is up. */
  drain(): Promise<void>;
  /** The lease and the grace behind it have passed without a renewal. */
  onDisconnectedTooLong(): void;
  onChange(state: ConnectionState): void;
}

export interface ConnectionLoop {
  state(): ConnectionState;
  start(): void;
  /** Resolves when the state is `stopped` again. */
  stop(): Promise<void>;
  hurryHeartbeat(): void;
  /** What came of a request of a job; `attemptId` = the one under which it was sent. */
  noteJobAnswer(attemptId: number, answer: TransportAnswer<unknown>): void;
  /** Ends with the attempt. */
  requestSignal(): AbortSignal;
  /** Wall clock; null = the server has not answered anything yet. */
  lastContactAtMs(): number | null;
}

export interface ConnectionLoopOptions {
  readonly peer: ConnectionPeer;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  readonly settings: RunnerClientSettings;
}

/** Until the first session tells the server's own: as long as the server's defaults. */
const DEFAULT_LEASE_AND_GRACE_MS = 645_000;
const DEFAULT_GAP_LIMIT_MS = 30_000;

/** The effects of `planConnection`: one attempt at a time, everything else is dropped. */
export function createConnectionLoop(options: ConnectionLoopOptions): ConnectionLoop {
  const { peer, clock, logger, settings } = options;
  let state = initialConnectionState;
  /** Ends with the attempt: a request that was sent under an older one is aborted and its result dropped. */
  let requests = new AbortController();
  /** The held poll alone; `stop` ends it and leaves the side channels. */
  let poll = new AbortController();
  let cancelRetry: () => void = () => undefined;
  let endGapWatch: () => void = () => undefined;
  let lastContactAtMs: number | null = null;
  let leaseAndGraceUntilMs = Number.POSITIVE_INFINITY;
  let lastSession: RunnerSessionOpened | null = null;
  let isDisconnectionTold = false;
  let whenStopped: () => void = () => undefined;
  let stopped: Promise<void> = Promise.resolve();

  const heartbeats = createHeartbeatLoop({
    clock,
    send: async (session) => {
      const attemptId = state.attemptId;
      const answer = await peer.heartbeat(session, requests.signal);
      if (attemptId !== state.attemptId) return;
      note(answer);
      if (answer.kind === 'ok') {
        renewLease(session);
        dispatch({ type: 'heartbeat-succeeded', attemptId });
        peer.onVerdicts(answer.body.jobs);
      } else fail(answer, attemptId, (message) => ({ type: 'heartbeat-failed', attemptId, message }));
    },
    onError: (error) => logger.error({ err: error }, 'a heartbeat failed'),
  });

  function dispatch(event: ConnectionEvent): void {
    const before = state;
    const plan = planConnection(state, event, { nowMs: clock.now().getTime(), random: clock.random(), settings });
    state = plan.state;
    if (state.status !== before.status) tellChange(before, event);
    for (const effect of plan.effects) carryOut(effect);
    if (state !== before) peer.onChange(state);
  }

  function tellChange(before: ConnectionState, event: ConnectionEvent): void {
    const { status, lastError, reconnectCount, nextRetryAtMs } = state;
    const fields = { from: before.status, to: status, event: event.type, reconnectCount, nextRetryAtMs };
    if (status === 'reconnecting' || status === 'rejected') logger.warn({ ...fields, reason: lastError }, `runner ${status}`);
    else logger.info(fields, `runner ${status}`);
  }

  function carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'connect':
        inBackground('connect', connect(effect.attemptId));
        return;
      case 'poll':
        inBackground('poll', pollOnce(effect.attemptId));
        return;
      case 'start-heartbeats':
        if (state.session) heartbeats.start(state.session);
        return;
      case 'abort-requests':
        heartbeats.stop();
        cancelRetry();
        requests.abort();
        requests = new AbortController();
        poll = new AbortController();
        peer.resetSockets();
        return;
      case 'schedule-retry':
        cancelRetry = clock.setTimer(effect.delayMs, () => {
          logger.info({ attemptId: effect.attemptId, reason: state.lastError }, 'runner tries to reconnect');
          dispatch({ type: 'retry-due', attemptId: effect.attemptId });
        });
        return;
      case 'drain':
        poll.abort();
        inBackground(
          'drain',
          peer.drain().finally(() => dispatch({ type: 'drained' })),
        );
        return;
      case 'close':
        endGapWatch();
        whenStopped();
        return;
    }
  }

  async function connect(attemptId: number): Promise<void> {
    const signal = requests.signal;
    const opened = await peer.openSession({ isTakeover: !state.isSuperseded, signal });
    if (attemptId !== state.attemptId) return;
    note(opened);
    const failed = (message: string, retryAfterMs: number | null): ConnectionEvent => ({
      type: 'attempt-failed',
      attemptId,
      message,
      retryAfterMs,
    });
    if (opened.kind !== 'ok') return fail(opened, attemptId, failed);
    const session = opened.body;
    // The first poll does not wait: only a poll that was answered proves that polls get through.
    const polled = await peer.poll(session, { cursor: 0, waitMs: 0, signal });
    if (attemptId !== state.attemptId) return;
    note(polled);
    if (polled.kind !== 'ok') return fail(polled, attemptId, failed);
    lastSession = session;
    renewLease(session);
    dispatch({ type: 'connected', attemptId, session, cursor: polled.body.cursor });
    if (state.session === session) peer.onConnected(session, polled.body.messages);
  }

  async function pollOnce(attemptId: number): Promise<void> {
    const { session, cursor } = state;
    if (session === null || attemptId !== state.attemptId) return;
    const signal = AbortSignal.any([requests.signal, poll.signal]);
    const answer = await peer.poll(session, { cursor, waitMs: session.pollWaitMs, signal });
    if (attemptId !== state.attemptId || answer.kind === 'aborted') return;
    note(answer);
    if (answer.kind !== 'ok') {
      return fail(answer, attemptId, (message, retryAfterMs) => ({ type: 'poll-failed', attemptId, message, retryAfterMs }));
    }
    if (answer.body.serverIncarnation !== session.serverIncarnation) {
      return dispatch({ type: 'resync', attemptId, message: 'another server process answered' });
    }
    peer.onMessages(answer.body.messages);
    dispatch({ type: 'poll-succeeded', attemptId, cursor: answer.body.cursor });
  }

  /** A refusal that concerns the connection ends it; everything else is the failure of this channel. */
  function fail(
    answer: TransportAnswer<unknown>,
    attemptId: number,
    failure: (message: string, retryAfterMs: number | null) => ConnectionEvent,
  ): void {
    if (answer.kind === 'refused') {
      dispatch(eventFromRefusal(answer, attemptId) ?? failure(`${answer.status} ${answer.code}: ${answer.message}`, null));
    } else if (answer.kind === 'failed') dispatch(failure(answer.message, answer.retryAfterMs));
  }

  function note(answer: TransportAnswer<unknown>): void {
    if (answer.kind === 'ok' || answer.kind === 'refused') lastContactAtMs = clock.now().getTime();
  }

  function renewLease(session: RunnerSessionOpened): void {
    leaseAndGraceUntilMs = clock.monotonicMs() + session.leaseMs + session.disconnectGraceMs;
    isDisconnectionTold = false;
  }

  function inBackground(what: string, work: Promise<void>): void {
    work.catch((error: unknown) => {
      logger.error({ err: error }, `failed to ${what}`);
      // A bug must not leave the runner without a next step.
      const message = `failed to ${what}: ${String(error)}`;
      const { attemptId } = state;
      dispatch({ type: what === 'poll' ? 'poll-failed' : 'attempt-failed', attemptId, message, retryAfterMs: null });
    });
  }

  return {
    state: () => state,
    start() {
      if (state.status !== 'stopped') return;
      stopped = new Promise((resolve) => {
        whenStopped = resolve;
      });
      leaseAndGraceUntilMs = clock.monotonicMs() + DEFAULT_LEASE_AND_GRACE_MS;
      endGapWatch = watchTimerGaps({
        clock,
        limitMs: () => (lastSession === null ? DEFAULT_GAP_LIMIT_MS : lastSession.heartbeatMs * 2),
        onGap: (gapMs) => dispatch({ type: 'timer-gap', gapMs }),
        onTick: () => {
          if (isDisconnectionTold || clock.monotonicMs() < leaseAndGraceUntilMs) return;
          isDisconnectionTold = true;
          peer.onDisconnectedTooLong();
        },
      });
      dispatch({ type: 'start' });
    },
    stop() {
      dispatch({ type: 'stop' });
      return stopped;
    },
    hurryHeartbeat: () => heartbeats.hurry(),
    noteJobAnswer(attemptId, answer) {
      if (attemptId !== state.attemptId || answer.kind === 'aborted') return;
      note(answer);
      if (answer.kind === 'failed') dispatch({ type: 'job-request-failed', attemptId, message: answer.message });
      else {
        const event = answer.kind === 'refused' ? eventFromRefusal(answer, attemptId) : null;
        dispatch(event ?? { type: 'job-request-succeeded', attemptId });
      }
    },
    requestSignal: () => requests.signal,
    lastContactAtMs: () => lastContactAtMs,
  };
}
