import type { RunnerJobPhase, RunnerVerdict } from '@runbeat/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logCursorFromText, textFromLogCursor } from './log-cursor.js';
import { planFinish } from './plan-finish.js';
import { planLease } from './plan-lease.js';
import { logRangeFromHeader, planLogRange } from './plan-log-range.js';
import { type OfferCandidate, planOffer } from './plan-offer.js';
import { planVerdict, type VerdictFacts } from './plan-verdict.js';
import { isReclaimable, nextLeaseEpoch, type RunnerJobRecord } from './runner-job-record.js';

const record: RunnerJobRecord = {
  runId: 'run',
  sessionId: null,
  companyId: 'company',
  runnerId: 'r1',
  homeId: 'h1',
  leaseEpoch: 5,
  state: 'leased',
  adapterType: 'local',
  placement: { runnerLabel: 'x' },
  previousSession: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};
const verdictOf = (phase: RunnerJobPhase, facts: Partial<VerdictFacts> & { epoch?: number } = {}): RunnerVerdict['verdict'] =>
  planVerdict({
    report: { runId: 'run', leaseEpoch: facts.epoch ?? 5, phase, logEnd: 0, aliveAt: null, session: null },
    runnerId: 'r1',
    homeId: 'h1',
    record,
    runStatus: 'active',
    cancel: null,
    logOffset: 10,
    ...facts,
  }).verdict;

describe('the verdict on a job that a runner reports', () => {
  test.each([
    ['its own lease', {}, 'keep'],
    ['a cancel waits', { cancel: { kind: 'cancelled', message: null, limitMs: null, graceMs: null } }, 'cancel'],
    ['an older epoch', { epoch: 4 }, 'fenced'],
    ['a newer epoch than ours', { epoch: 6 }, 'fenced'],
    ['another runner has it', { record: { ...record, runnerId: 'r2' } }, 'fenced'],
    ['another home of the same runner has it', { record: { ...record, homeId: 'h2' } }, 'fenced'],
    ['it was given up', { record: { ...record, state: 'lost' } }, 'fenced'],
    ['it is over', { record: { ...record, state: 'done' } }, 'fenced'],
    ['it was closed another way while the runner works', { runStatus: 'ended' }, 'fenced'],
    ['no record, and the run is over', { record: null, runStatus: 'ended' }, 'fenced'],
    ['no record, and the run is active', { record: null, runStatus: 'active' }, 'unknown'],
    ['an empty database', { record: null, runStatus: 'unknown' }, 'unknown'],
    ['offered anew by a restored database', { record: { ...record, state: 'offered', homeId: null, leaseEpoch: 9 } }, 'keep'],
  ] as [string, Partial<VerdictFacts> & { epoch?: number }, RunnerVerdict['verdict']][])('%s → %s', (_name, facts, verdict) => {
    expect(verdictOf('running', facts)).toBe(verdict);
  });

  test('a finish whose acceptance got lost may be asked again', () => {
    expect(verdictOf('finishing', { record: { ...record, state: 'done' } })).toBe('keep');
  });
});

test('a restored database offers work to the runner that has it: what that writes under its old epoch waits, and is not refused', () => {
  const offered = { ...record, state: 'offered', homeId: null, leaseEpoch: 9 } as const;
  expect(isReclaimable(offered, { runnerId: 'r1', leaseEpoch: 5 })).toBe(true);
  expect(isReclaimable(offered, { runnerId: 'r1', leaseEpoch: 9 })).toBe(false);
  expect(isReclaimable(offered, { runnerId: 'r2', leaseEpoch: 5 })).toBe(false);
  expect(isReclaimable({ ...offered, state: 'leased' }, { runnerId: 'r1', leaseEpoch: 5 })).toBe(false);
});

describe('where a run goes', () => {
  const candidate = (runnerId: string, change: Partial<OfferCandidate> = {}): OfferCandidate => ({
    runnerId,
    companyId: null,
    labels: ['gpu'],
    adapterTypes: new Set(['local']),
    isReachable: true,
    isEnabled: true,
    freeSlots: 1,
    ...change,
  });
  const wish = { adapterType: 'local', placement: { runnerLabel: 'gpu' }, companyId: 'c1' } as const;

  test('to the freest of those that can take it', () => {
    expect(planOffer(wish, [candidate('a'), candidate('b', { freeSlots: 3 }), candidate('c', { freeSlots: 2 })])).toEqual({
      kind: 'offer',
      runnerId: 'b',
    });
  });
  test.each([
    ['no_runner', [candidate('a', { labels: ['cpu'] }), candidate('b', { companyId: 'c2' })]],
    ['disabled', [candidate('a', { isEnabled: false })]],
    ['adapter_missing', [candidate('a', { adapterTypes: new Set() })]],
    ['offline', [candidate('a', { isReachable: false })]],
    ['busy', [candidate('a', { freeSlots: 0 })]],
  ] as const)('it waits and says why: %s', (reason, candidates) => {
    expect(planOffer(wish, candidates)).toEqual({ kind: 'wait', reason });
  });
  test('a named runner is the only one that is asked', () => {
    const named = { ...wish, placement: { runnerId: 'b' } };
    expect(planOffer(named, [candidate('a', { freeSlots: 9 }), candidate('b')])).toEqual({ kind: 'offer', runnerId: 'b' });
  });
});

describe('a lease', () => {
  const facts = { leaseUntilMs: 1_000, disconnectGraceMs: 500, isDetachmentTold: false };
  test.each([
    [999, false, 'held'],
    [999, true, 'reattached'],
    [1_000, false, 'detach'],
    [1_499, true, 'wait'],
    [1_500, true, 'lose'],
    [9_999, false, 'lose'],
  ] as const)('at %i ms, told: %s → %s', (nowMs, isDetachmentTold, plan) => {
    expect(planLease({ ...facts, nowMs, isDetachmentTold })).toBe(plan);
  });
});

test('a finish waits for the whole log, and a differing log is told instead of kept open for ever', () => {
  const facts = { logBytes: 10, chain: 'c', storedEnd: 10, storedChain: 'c' };
  expect(planFinish(facts)).toEqual({ kind: 'settle', isLogEqual: true });
  expect(planFinish({ ...facts, storedEnd: 7 })).toEqual({ kind: 'resend', from: 7 });
  expect(planFinish({ ...facts, storedEnd: 12 })).toEqual({ kind: 'settle', isLogEqual: false });
  expect(planFinish({ ...facts, storedChain: 'x' })).toEqual({ kind: 'settle', isLogEqual: false });
});

test('whatever ranges come, in whatever order, the stored log is a prefix and no byte is taken twice', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 40 })), { maxLength: 60 }), (ranges) => {
      let stored = 0;
      for (const [from, length] of ranges) {
        const plan = planLogRange({ from, to: from + length }, stored);
        if (plan.kind === 'append') {
          expect(from + plan.skipBytes).toBe(stored);
          stored = from + length;
        } else if (plan.kind === 'rewind') expect(from).toBeGreaterThan(stored);
        else expect(from + length).toBeLessThanOrEqual(stored);
      }
    }),
  );
});

test('only a Content-Range that fits the body is one', () => {
  expect(logRangeFromHeader('bytes 5-9/*', 5)).toEqual({ from: 5, to: 10 });
  for (const [header, length] of [
    ['bytes 5-9/*', 4],
    ['bytes 5-9/20', 5],
    ['bytes 9-5/*', 5],
    ['bytes -5/*', 5],
    ['bytes 0-99999999999999999999/*', 5],
    [undefined, 5],
    ['bytes 0--1/*', 0],
  ] as const) {
    expect(logRangeFromHeader(header, length)).toBeNull();
  }
});

test('a log cursor survives its way through the store; anything else means the start', () => {
  const cursor = { offset: 123_456, chain: 'aB-_9' };
  expect(logCursorFromText(textFromLogCursor(cursor))).toEqual(cursor);
  for (const text of [null, '', 'x', '12', '-1:a', '1:a b']) expect(logCursorFromText(text)).toEqual({ offset: 0, chain: '' });
});

test('an epoch rises with each assignment, and above those of a database that was restored', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const first = nextLeaseEpoch(0, now);
  expect(nextLeaseEpoch(first, now)).toBe(first + 1);
  expect(nextLeaseEpoch(0, new Date(now.getTime() + 60_000))).toBeGreaterThan(first + 1);
  expect(nextLeaseEpoch(0, new Date('2060-01-01'))).toBeLessThan(2 ** 31);
});
