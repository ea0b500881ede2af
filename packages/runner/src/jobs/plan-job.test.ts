import { type RunnerJobPhase, runnerJobPhases } from '@runbeat/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JobEvent, type JobState, offeredJob } from './job-state.js';
import { planJob } from './plan-job.js';

const events: Record<JobEvent['type'], JobEvent> = {
  offered: { type: 'offered', leaseEpoch: 9 },
  'claim-accepted': { type: 'claim-accepted' },
  'claim-refused': { type: 'claim-refused' },
  'claim-failed': { type: 'claim-failed' },
  'lease-renewed': { type: 'lease-renewed' },
  'execution-settled': { type: 'execution-settled', result: { status: 'succeeded' } },
  'finish-accepted': { type: 'finish-accepted' },
  'finish-pending': { type: 'finish-pending', retryAfterMs: 500 },
  'finish-resend': { type: 'finish-resend', from: 10 },
  'finish-failed': { type: 'finish-failed' },
  fenced: { type: 'fenced' },
  cancelled: { type: 'cancelled', reason: { kind: 'cancelled' } },
  'unknown-too-long': { type: 'unknown-too-long' },
  'disconnected-too-long': { type: 'disconnected-too-long' },
};
const at = (phase: RunnerJobPhase, leaseEpoch = 9): JobState => ({
  ...offeredJob(leaseEpoch),
  phase,
  result: phase === 'finishing' ? { status: 'succeeded' } : null,
});

type Row = Record<JobEvent['type'], string>;
const nothing = Object.fromEntries(Object.keys(events).map((type) => [type, '-'])) as Row;

const table: Record<RunnerJobPhase, Row> = {
  offered: {
    ...nothing,
    offered: 'claiming: claim',
    'claim-refused': 'fenced: discard',
    fenced: 'fenced: discard',
    cancelled: 'fenced: discard',
    'unknown-too-long': 'fenced: discard',
    'disconnected-too-long': 'fenced: discard',
  },
  claiming: {
    ...nothing,
    'claim-accepted': 'leased: store-claim',
    'claim-refused': 'fenced: discard',
    'claim-failed': 'offered: ',
    fenced: 'fenced: discard',
    cancelled: 'claiming: ',
  },
  leased: {
    ...nothing,
    'lease-renewed': 'running: start',
    fenced: 'fenced: discard',
    cancelled: 'finishing: store-result',
    'unknown-too-long': 'fenced: discard',
    'disconnected-too-long': 'fenced: discard',
  },
  running: {
    ...nothing,
    'execution-settled': 'finishing: store-result',
    fenced: 'running: abort',
    cancelled: 'running: abort',
    'unknown-too-long': 'running: abort',
    'disconnected-too-long': 'running: abort',
  },
  finishing: {
    ...nothing,
    'finish-accepted': 'done: discard',
    'finish-pending': 'finishing: schedule-finish',
    'finish-resend': 'finishing: rewind-log schedule-finish',
    'finish-failed': 'finishing: schedule-finish',
    fenced: 'fenced: discard',
    'unknown-too-long': 'lost: keep-lost',
  },
  done: nothing,
  fenced: nothing,
  lost: nothing,
};

describe('every phase × event', () => {
  for (const phase of runnerJobPhases) {
    for (const event of Object.values(events)) {
      test(`${phase} × ${event.type} → ${table[phase][event.type]}`, () => {
        const before = at(phase);
        const { state, effects } = planJob(before, event);
        const isSame = effects.length === 0 && JSON.stringify(state) === JSON.stringify(before);
        const shown = effects.map((effect) => effect.type).join(' ');
        expect(isSame ? '-' : `${state.phase}: ${shown}`).toBe(table[phase][event.type]);
      });
    }
  }
});

describe('what ends a running job', () => {
  test('a fence wins over a cancel: the work is stopped once and its result is dropped', () => {
    const cancelled = planJob(at('running'), events.cancelled).state;
    const fenced = planJob(cancelled, events.fenced);
    expect(fenced.effects).toEqual([]);
    expect(planJob(fenced.state, events['execution-settled'])).toMatchObject({
      state: { phase: 'fenced' },
      effects: [{ type: 'discard' }],
    });
  });

  test('a cancel that comes after the end changes nothing: the server decides between the two', () => {
    const finishing = planJob(at('running'), events['execution-settled']).state;
    expect(planJob(finishing, events.cancelled)).toEqual({ state: finishing, effects: [] });
  });

  test('work that was stopped for want of contact is told as failed, and as worth another try', () => {
    const stopping = planJob(at('running'), events['disconnected-too-long']).state;
    const cancelled: JobEvent = { type: 'execution-settled', result: { status: 'cancelled', forced: false } };
    expect(planJob(stopping, cancelled).state.result).toMatchObject({
      status: 'failed',
      error: { code: 'runner_disconnected', retryable: true },
    });
    expect(planJob(stopping, events['execution-settled']).state.result).toEqual({ status: 'succeeded' });
  });

  test('work that went on without this process stays as it is', () => {
    const { state, effects } = planJob(at('running'), { type: 'execution-settled', result: { status: 'detached' } });
    expect(state).toMatchObject({ phase: 'running', isReleased: true });
    expect(effects).toEqual([]);
  });

  test('a run that the server does not know keeps its log and its result', () => {
    const stopping = planJob(at('running'), events['unknown-too-long']).state;
    const { state, effects } = planJob(stopping, events['execution-settled']);
    expect(state.phase).toBe('lost');
    expect(effects.map((effect) => effect.type)).toEqual(['store-result', 'keep-lost']);
  });
});

test('a new offer of work that goes on is claimed under its epoch and starts nothing', () => {
  for (const phase of ['leased', 'running', 'finishing'] as const) {
    const offered = planJob(at(phase, 5), events.offered);
    expect(offered.effects).toEqual([{ type: 'claim', leaseEpoch: 9 }]);
    const claimed = planJob(offered.state, events['claim-accepted']);
    expect(claimed.state).toMatchObject({ phase, leaseEpoch: 9, reclaimEpoch: null });
    expect(claimed.effects).toEqual([{ type: 'store-epoch' }]);
    expect(planJob(offered.state, events['claim-refused']).state).toEqual(at(phase, 5));
  }
});

test('over any sequence of events work starts at most once and an end is final', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Object.values(events)), { maxLength: 40 }), (sequence) => {
      let state = offeredJob(9);
      let starts = 0;
      let ends = 0;
      for (const event of sequence) {
        const wasOver = ['done', 'fenced', 'lost'].includes(state.phase);
        const plan = planJob(state, event);
        if (wasOver) expect(plan).toEqual({ state, effects: [] });
        state = plan.state;
        starts += plan.effects.filter((effect) => effect.type === 'start').length;
        ends += plan.effects.filter((effect) => effect.type === 'discard' || effect.type === 'keep-lost').length;
        if (state.phase === 'finishing') expect(state.result).not.toBeNull();
      }
      expect(starts).toBeLessThanOrEqual(1);
      expect(ends).toBe(['done', 'fenced', 'lost'].includes(state.phase) ? 1 : 0);
    }),
  );
});
