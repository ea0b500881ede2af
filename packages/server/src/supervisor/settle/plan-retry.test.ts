import { describe, expect, it } from 'vitest';
import { supervisorSettingsSchema } from '../supervisor-settings.js';
import { planRetry, type RetryFacts } from './plan-retry.js';

const now = new Date('2026-01-01T00:00:00.000Z');
const settings = supervisorSettingsSchema.parse({});
const facts = (rest: {
  readonly run?: Partial<RetryFacts['run']>;
  readonly settlement?: Partial<RetryFacts['settlement']>;
  readonly random?: number;
}): RetryFacts => ({
  now,
  settings,
  random: rest.random ?? 0.5,
  run: { processLossRetryCount: 0, transientRetryCount: 0, cancelRequestedAt: null, ...rest.run },
  settlement: { status: 'failed', retry: 'never', retryNotBefore: null, ...rest.settlement },
});
const lost = { retry: 'process_lost' } as const;
const passing = { retry: 'transient' } as const;

describe('planRetry', () => {
  it('retries a lost process at once, and exactly once', () => {
    expect(planRetry(facts({ settlement: lost }))).toMatchObject({ kind: 'retry', notBefore: null, processLossRetryCount: 1 });
    expect(planRetry(facts({ settlement: lost, run: { processLossRetryCount: 1 } })).kind).toBe('none');
  });

  it.each([
    [0, 0, 24_000],
    [0, 0.5, 30_000],
    [0, 1, 36_000],
    [1, 0, 96_000],
    [1, 1, 144_000],
  ])('delays retry %i of a passing failure with jitter %d by %i ms', (transientRetryCount, random, delayMs) => {
    const plan = planRetry(facts({ settlement: passing, run: { transientRetryCount }, random }));
    expect(plan).toMatchObject({ kind: 'retry', transientRetryCount: transientRetryCount + 1 });
    expect(plan.kind === 'retry' && plan.notBefore?.getTime()).toBe(now.getTime() + delayMs);
  });

  it('retries a passing failure no third time', () => {
    expect(planRetry(facts({ settlement: passing, run: { transientRetryCount: 2 } })).kind).toBe('none');
  });

  it('waits for the time that the failure names, and ignores one that is no time', () => {
    const later = { ...passing, retryNotBefore: '2026-01-01T01:00:00.000Z' };
    expect(planRetry(facts({ settlement: later }))).toMatchObject({ notBefore: new Date('2026-01-01T01:00:00.000Z') });
    const garbled = { ...passing, retryNotBefore: 'soon' };
    expect(planRetry(facts({ settlement: garbled }))).toMatchObject({ notBefore: new Date(now.getTime() + 30_000) });
  });

  it('never retries what somebody asked to cancel, nor an end that is no failure', () => {
    expect(planRetry(facts({ settlement: lost, run: { cancelRequestedAt: now } })).kind).toBe('none');
    expect(planRetry(facts({ settlement: passing, run: { cancelRequestedAt: now } })).kind).toBe('none');
    for (const status of ['succeeded', 'cancelled', 'timed_out'] as const) {
      expect(planRetry(facts({ settlement: { ...lost, status } })).kind).toBe('none');
    }
  });
});
