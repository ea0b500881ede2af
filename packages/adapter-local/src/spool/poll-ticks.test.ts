import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPollTicks } from './poll-ticks.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls back about when it was asked to, and once', () => {
  const ticks = createPollTicks();
  const calls: string[] = [];
  ticks.after(50, () => calls.push('soon'));
  ticks.after(1_000, () => calls.push('late'));
  vi.advanceTimersByTime(75);
  expect(calls).toEqual(['soon']);
  vi.advanceTimersByTime(2_000);
  expect(calls).toEqual(['soon', 'late']);
});

it('does not call back what was taken back, and leaves no timer then', () => {
  const ticks = createPollTicks();
  const cancels = [50, 100, 1_000].map((ms) =>
    ticks.after(ms, () => {
      throw new RangeError('called');
    }),
  );
  for (const cancel of cancels) cancel();
  for (const cancel of cancels) cancel();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2_000);
});

it('shares timers, and spreads those who ask at once over two moments', () => {
  const ticks = createPollTicks();
  let timersFired = 0;
  const perMoment = new Map<number, number>();
  for (let each = 0; each < 100; each += 1) {
    ticks.after(100, () => perMoment.set(performance.now(), (perMoment.get(performance.now()) ?? 0) + 1));
  }
  while (vi.getTimerCount() > 0) {
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersToNextTimer();
    timersFired += 1;
  }
  expect(timersFired).toBeLessThanOrEqual(3);
  expect([...perMoment.values()]).toEqual([50, 50]);
});

it('lets one who is called back wait again', () => {
  const ticks = createPollTicks();
  let calls = 0;
  const again = (): void => {
    calls += 1;
    if (calls < 10) ticks.after(25, again);
  };
  again();
  vi.advanceTimersByTime(1_000);
  expect(calls).toBe(10);
});

it('lets many wait longer than few, up to a limit', () => {
  const ticks = createPollTicks();
  ticks.join();
  expect(ticks.steadyMs(50)).toBe(50);
  for (let more = 0; more < 49; more += 1) ticks.join();
  expect(ticks.steadyMs(50)).toBe(125);
  for (let more = 0; more < 950; more += 1) ticks.join();
  expect(ticks.steadyMs(50)).toBe(250);
  for (let fewer = 0; fewer < 999; fewer += 1) ticks.leave();
  expect(ticks.steadyMs(50)).toBe(50);
});
