import { expect, test } from 'vitest';
import { CRASH_WINDOW_MS, planRestart } from './plan-restart.js';

test('the delay doubles with each crash within the window, up to half a minute', () => {
  expect(planRestart([0], 0)).toEqual({ action: 'restart', delayMs: 1_000 });
  expect(planRestart([0, 1_000], 1_000)).toEqual({ action: 'restart', delayMs: 2_000 });
  expect(planRestart([0, 1, 2, 3], 3)).toEqual({ action: 'restart', delayMs: 8_000 });
});

test('the fifth crash within ten minutes is the last', () => {
  expect(planRestart([0, 1, 2, 3, CRASH_WINDOW_MS - 1], CRASH_WINDOW_MS - 1)).toEqual({ action: 'give-up' });
});

test('crashes that are older than the window do not count', () => {
  expect(planRestart([0, 1, 2, 3, CRASH_WINDOW_MS], CRASH_WINDOW_MS)).toEqual({ action: 'restart', delayMs: 8_000 });
  expect(planRestart([0, 1, 2, 3, 2 * CRASH_WINDOW_MS], 2 * CRASH_WINDOW_MS)).toEqual({ action: 'restart', delayMs: 1_000 });
});
