import type { RunnerClientStatus, RunnerSessionOpened } from '@runbeat/protocol';
import { runnerClientStatuses } from '@runbeat/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConnectionEvent, type ConnectionState, initialConnectionState } from './connection-state.js';
import { planConnection } from './plan-connection.js';

const session: RunnerSessionOpened = {
  sessionId: '00000000-0000-4000-8000-000000000001',
  serverIncarnation: '00000000-0000-4000-8000-000000000002',
  pollWaitMs: 20_000,
  heartbeatMs: 15_000,
  leaseMs: 45_000,
  disconnectGraceMs: 600_000,
  jobs: [],
};
const settings = { firstRetryMs: 250, backoffMinMs: 500, backoffMaxMs: 30_000, rejectedRetryMs: 60_000 };
const moment = { nowMs: 1_000_000, random: 0.5, settings };
const attemptId = 7;

const states: Record<RunnerClientStatus, ConnectionState> = {
  stopped: { ...initialConnectionState, attemptId },
  registering: { ...initialConnectionState, attemptId, status: 'registering' },
  streaming: { ...initialConnectionState, attemptId, status: 'streaming', session, goodPolls: 5, streamConnectedSinceMs: 5 },
  reconnecting: { ...initialConnectionState, attemptId, status: 'reconnecting', reconnectCount: 1, backoffStep: 2 },
  rejected: { ...initialConnectionState, attemptId, status: 'rejected' },
  draining: { ...initialConnectionState, attemptId, status: 'draining', session },
};

const message = 'because';
const events: Record<ConnectionEvent['type'], ConnectionEvent> = {
  start: { type: 'start' },
  stop: { type: 'stop' },
  drained: { type: 'drained' },
  'retry-due': { type: 'retry-due', attemptId },
  connected: { type: 'connected', attemptId, session, cursor: 3 },
  'attempt-failed': { type: 'attempt-failed', attemptId, message, retryAfterMs: null },
  'poll-succeeded': { type: 'poll-succeeded', attemptId, cursor: 4 },
  'poll-failed': { type: 'poll-failed', attemptId, message, retryAfterMs: null },
  'heartbeat-succeeded': { type: 'heartbeat-succeeded', attemptId },
  'heartbeat-failed': { type: 'heartbeat-failed', attemptId, message },
  'job-request-succeeded': { type: 'job-request-succeeded', attemptId },
  'job-request-failed': { type: 'job-request-failed', attemptId, message },
  resync: { type: 'resync', attemptId, message },
  rejected: { type: 'rejected', attemptId, message, isSuperseded: false },
  'timer-gap': { type: 'timer-gap', gapMs: 99_000 },
};

/** `status: effects`; a dash = the state object itself comes back. */
type Row = Record<ConnectionEvent['type'], string>;
const attempting = (status: string): Partial<Row> => ({
  stop: 'draining: abort-requests drain',
  'retry-due': `${status}: connect`,
  connected: 'streaming: start-heartbeats poll',
  'attempt-failed': `${status === 'rejected' ? 'reconnecting' : status}: abort-requests schedule-retry`,
  resync: `${status === 'rejected' ? 'reconnecting' : status}: abort-requests schedule-retry`,
  rejected: 'rejected: abort-requests schedule-retry',
  'timer-gap': `${status}: abort-requests connect`,
});
const nothing = Object.fromEntries(Object.keys(events).map((type) => [type, '-'])) as Row;

const table: Record<RunnerClientStatus, Row> = {
  stopped: { ...nothing, start: 'registering: connect' },
  registering: { ...nothing, ...attempting('registering') },
  reconnecting: { ...nothing, ...attempting('reconnecting') },
  rejected: { ...nothing, ...attempting('rejected') },
  streaming: {
    ...nothing,
    stop: 'draining: drain',
    'poll-succeeded': 'streaming: poll',
    'poll-failed': 'reconnecting: abort-requests schedule-retry',
    'heartbeat-succeeded': 'streaming: ',
    'heartbeat-failed': 'streaming: ',
    'job-request-succeeded': 'streaming: ',
    'job-request-failed': 'streaming: ',
    resync: 'reconnecting: abort-requests schedule-retry',
    rejected: 'rejected: abort-requests schedule-retry',
    'timer-gap': 'reconnecting: abort-requests connect',
  },
  draining: {
    ...nothing,
    drained: 'stopped: abort-requests close',
    'heartbeat-succeeded': 'draining: ',
    'heartbeat-failed': 'draining: ',
    'job-request-succeeded': 'draining: ',
    'job-request-failed': 'draining: ',
  },
};

describe('every status × event', () => {
  for (const status of runnerClientStatuses) {
    for (const event of Object.values(events)) {
      test(`${status} × ${event.type} → ${table[status][event.type]}`, () => {
        const before = states[status];
        const { state, effects } = planConnection(before, event, moment);
        const seen = state === before ? '-' : `${state.status}: ${effects.map((effect) => effect.type).join(' ')}`;
        expect(seen).toBe(table[status][event.type]);
      });
    }
  }
});

describe('leaving the stream', () => {
  test('the first failed poll ends it at once: new attempt, no session, a retry within 250 ms', () => {
    const { state, effects } = planConnection(states.streaming, events['poll-failed'], moment);
    expect(state).toMatchObject({ status: 'reconnecting', session: null, streamConnectedSinceMs: null, lastError: message });
    expect(state.attemptId).toBeGreaterThan(attemptId);
    expect(effects).toContainEqual({ type: 'schedule-retry', attemptId: state.attemptId, delayMs: 125 });
  });

  test('two failed heartbeats end it although polls succeed between them', () => {
    const one = planConnection(states.streaming, events['heartbeat-failed'], moment).state;
    expect(one).toMatchObject({ status: 'streaming', isLastHeartbeatOk: false });
    const polled = planConnection(one, events['poll-succeeded'], moment).state;
    expect(planConnection(polled, events['heartbeat-failed'], moment).state.status).toBe('reconnecting');
  });

  test('two failed uploads end it although polls and heartbeats succeed between them', () => {
    const one = planConnection(states.streaming, events['job-request-failed'], moment).state;
    const beaten = planConnection(one, events['heartbeat-succeeded'], moment).state;
    expect(planConnection(beaten, events['job-request-failed'], moment).state.status).toBe('reconnecting');
  });

  test('Retry-After is honoured when it is longer than the pause', () => {
    const { effects } = planConnection(
      states.streaming,
      { ...events['poll-failed'], retryAfterMs: 7_000 } as ConnectionEvent,
      moment,
    );
    expect(effects).toContainEqual(expect.objectContaining({ type: 'schedule-retry', delayMs: 7_000 }));
  });
});

describe('coming back', () => {
  test('the pauses double up to 30 s, each attempt is counted, and two good polls reset them', () => {
    let state = planConnection(states.streaming, events['poll-failed'], { ...moment, random: 0.999 }).state;
    const ceilings: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      state = planConnection(state, { type: 'retry-due', attemptId: state.attemptId }, moment).state;
      const failed: ConnectionEvent = { type: 'attempt-failed', attemptId: state.attemptId, message, retryAfterMs: null };
      const plan = planConnection(state, failed, { ...moment, random: 0.999 });
      state = plan.state;
      ceilings.push(
        ...plan.effects.flatMap((effect) => (effect.type === 'schedule-retry' ? [Math.ceil(effect.delayMs / 0.999)] : [])),
      );
    }
    expect(ceilings.map((ms) => Math.round(ms / 100) * 100)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    expect(state.reconnectCount).toBe(9);
    state = planConnection(state, { type: 'connected', attemptId: state.attemptId, session, cursor: 0 }, moment).state;
    expect(state).toMatchObject({ status: 'streaming', streamConnectedSinceMs: moment.nowMs, consecutiveFailures: 0 });
    expect(state.backoffStep).toBeGreaterThan(0);
    state = planConnection(state, { type: 'poll-succeeded', attemptId: state.attemptId, cursor: 1 }, moment).state;
    expect(state.backoffStep).toBe(0);
  });

  test('a connection that breaks after each reconnect gets longer pauses, not shorter ones', () => {
    let state: ConnectionState = { ...states.reconnecting, backoffStep: 0 };
    const steps: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      state = planConnection(state, { type: 'connected', attemptId: state.attemptId, session, cursor: 0 }, moment).state;
      state = planConnection(
        state,
        { type: 'poll-failed', attemptId: state.attemptId, message, retryAfterMs: null },
        moment,
      ).state;
      steps.push(state.backoffStep);
    }
    expect(steps).toEqual([1, 2, 3, 4]);
  });

  test('a process that was superseded says so with its next attempts', () => {
    const taken = planConnection(
      states.streaming,
      { ...events['rejected'], isSuperseded: true } as ConnectionEvent,
      moment,
    ).state;
    expect(taken).toMatchObject({ status: 'rejected', isSuperseded: true });
  });
});

test('late results of an older attempt change nothing, in any status', () => {
  for (const state of Object.values(states)) {
    for (const event of Object.values(events)) {
      if (!('attemptId' in event)) continue;
      const late = { ...event, attemptId: state.attemptId - 1 } as ConnectionEvent;
      expect(planConnection(state, late, moment)).toEqual({ state, effects: [] });
    }
  }
});

test('over any sequence of events: connected is said only with a session, and something is always under way', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...Object.values(events)), { maxLength: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (sequence, random) => {
        let state = planConnection(initialConnectionState, events.start, moment).state;
        let pending = new Set(['connect']);
        for (const raw of sequence) {
          const event = 'attemptId' in raw ? { ...raw, attemptId: state.attemptId } : raw;
          const before = state;
          const plan = planConnection(state, event, { ...moment, random });
          state = plan.state;
          if (plan.effects.some((effect) => effect.type === 'abort-requests')) pending = new Set();
          for (const effect of plan.effects) pending.add(effect.type);
          expect(state.attemptId).toBeGreaterThanOrEqual(before.attemptId);
          expect(state.status === 'streaming').toBe(state.session !== null && state.status !== 'draining');
          if (state.status === 'streaming') expect(pending.has('poll')).toBe(true);
          if (['registering', 'reconnecting', 'rejected'].includes(state.status)) {
            expect(pending.has('connect') || pending.has('schedule-retry')).toBe(true);
          }
          if (state.reconnectCount > before.reconnectCount)
            expect(plan.effects.some((effect) => effect.type === 'connect')).toBe(true);
        }
      },
    ),
  );
});
