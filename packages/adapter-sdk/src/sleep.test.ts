import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { sleep } from './sleep.js';

describe('sleep', () => {
  it('resolves when the time is over and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await sleep(1, signal)).toBe('elapsed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('resolves at once when the signal aborts, also when it already has', async () => {
    const controller = new AbortController();
    const waiting = sleep(3_600_000, controller.signal);
    controller.abort();
    expect(await waiting).toBe('aborted');
    expect(await sleep(3_600_000, controller.signal)).toBe('aborted');
  });
});
