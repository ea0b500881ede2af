import { expect, test } from 'vitest';
import { executeContext } from './execute-context.js';
import { fixture, loadScripted, stateReached } from './load-scripted.js';
import { createSteeredClock } from './steered-clock.js';

test.each([
  ['throw-later', 'thrown from a timer'],
  ['reject-unhandled', 'nobody handles this'],
  ['exit-process', 'exit code 7'],
  ['leak-heap', 'memory limit'],
])('C6 an adapter that does %s loses its worker; its runs fail adapter_crashed and the next one works', async (does, why) => {
  const { loaded, output } = await loadScripted({ limits: { maxHeapMb: 64 } });
  const bystander = await loadScripted();
  const waiting = executeContext({ does: 'wait-for-abort' });
  const untouched = bystander.loaded.adapter.execute(waiting);
  await waiting.logged('waiting');
  const context = executeContext({ does });
  await expect(loaded.adapter.execute(context)).rejects.toMatchObject({
    code: 'adapter_crashed',
    message: expect.stringContaining(why),
    retryable: true,
  });
  expect(context.logs[0]?.text).toContain('about to');
  expect(loaded).toMatchObject({ state: 'loading', lastError: { code: 'adapter_crashed', at: expect.stringContaining('T') } });
  expect(output.text).toContain(why);
  if (does === 'exit-process') expect(output.text).toContain('last words');
  // Waits for the next worker, which comes a second later.
  expect(await loaded.adapter.execute(executeContext({ does: 'succeed' }))).toMatchObject({ status: 'succeeded' });
  waiting.controller.abort({ kind: 'cancelled' });
  expect((await untouched).status).toBe('cancelled');
});

test('C6 an endless loop is noticed after ten unanswered pings, and what it printed before is kept', async () => {
  const clock = createSteeredClock();
  const { loaded, output } = await loadScripted({ clock });
  const run = loaded.adapter.execute(executeContext({ does: 'loop-for-ever' }));
  const rejected = expect(run).rejects.toMatchObject({
    code: 'adapter_crashed',
    message: expect.stringContaining('event loop is blocked'),
  });
  await expect.poll(() => output.text, { timeout: 20_000 }).toContain('looping');
  clock.advance(8_000);
  expect(loaded.state).toBe('ready');
  clock.advance(4_000);
  await rejected;
  expect(clock.waiting).toContain(1_000);
});

test.each([[false], [true]])(
  'C6 buffers without end are noticed although the heap’s limit does not count them (politely: %s)',
  async (politely) => {
    const { loaded } = await loadScripted({ limits: { maxHeapMb: 64, maxExternalMb: 192 } });
    const run = loaded.adapter.execute(executeContext({ does: 'leak-buffers', politely }));
    await expect(run).rejects.toMatchObject({ code: 'adapter_crashed', message: expect.stringMatching(/MB/) });
  },
);

test('a call that ignores its abort is abandoned in time, others go on, and the worker is replaced when they are done', async () => {
  const clock = createSteeredClock();
  const { loaded } = await loadScripted({ clock });
  const deaf = executeContext({ does: 'never-settle' });
  const other = executeContext({ does: 'wait-for-abort' });
  const deafRun = loaded.adapter.execute(deaf);
  const abandoned = expect(deafRun).rejects.toMatchObject({ code: 'adapter_unresponsive' });
  const otherRun = loaded.adapter.execute(other);
  await Promise.all([deaf.logged('waiting'), other.logged('waiting')]);
  deaf.controller.abort({ kind: 'fenced' });
  for (let second = 0; second < 10; second += 1) {
    clock.advance(1_000);
    // Lets the worker answer its ping.
    await loaded.adapter.testEnvironment?.({ config: {}, environment: {}, signal: other.signal });
  }
  await abandoned;
  expect(loaded.state).toBe('ready');
  other.controller.abort({ kind: 'cancelled' });
  expect((await otherRun).status).toBe('cancelled');
  await stateReached(loaded, 'loading');
  expect(loaded.lastError?.code).toBe('adapter_unresponsive');
  await stateReached(loaded, 'ready');
});

test('a probe whose worker crashes is unknown, and terminate reaches the next worker', async () => {
  const { loaded } = await loadScripted();
  const { outOfProcess } = loaded.adapter;
  if (outOfProcess?.kind !== 'handle') throw new TypeError('the fixture has handle liveness');
  const signal = new AbortController().signal;
  const base = { runId: 'r', handle: { kind: 'external', formatVersion: 1, ref: 'exit' }, config: {}, signal } as const;
  expect(await outOfProcess.probe(base)).toMatchObject({ state: 'unknown', message: expect.stringContaining('exit code 3') });
  expect(await outOfProcess.terminate({ ...base, reason: 'lost' })).toEqual({ stopped: 'graceful' });
});

test('restarts back off, and five crashes in ten minutes give the adapter up until it is loaded anew', async () => {
  const clock = createSteeredClock();
  const { loaded } = await loadScripted({ clock });
  const crash = async (): Promise<void> => {
    await expect(loaded.adapter.execute(executeContext({ does: 'throw-later' }))).rejects.toMatchObject({
      code: 'adapter_crashed',
    });
  };
  for (const delayMs of [1_000, 2_000, 4_000, 8_000]) {
    await crash();
    expect(loaded.state).toBe('loading');
    expect(clock.waiting).toEqual([delayMs]);
    clock.advance(delayMs);
    await stateReached(loaded, 'ready');
  }
  await crash();
  expect(loaded).toMatchObject({
    state: 'error',
    lastError: { message: expect.stringContaining('5 crashes within 10 minutes') },
  });
  await expect(loaded.adapter.execute(executeContext({ does: 'succeed' }))).rejects.toMatchObject({
    code: 'adapter_unavailable',
  });
  expect(clock.waiting).toEqual([]);
});

test('an adapter that crashes ten times, spread over hours, is started again each time', async () => {
  const clock = createSteeredClock();
  const { loaded } = await loadScripted({ clock });
  for (let n = 0; n < 10; n += 1) {
    await expect(loaded.adapter.execute(executeContext({ does: 'throw-later' }))).rejects.toMatchObject({
      code: 'adapter_crashed',
    });
    clock.advance(1_000);
    await stateReached(loaded, 'ready');
    clock.jump(10 * 60_000);
  }
  expect(await loaded.adapter.execute(executeContext({ does: 'succeed' }))).toMatchObject({ status: 'succeeded' });
});

test('a module that never finishes loading is ended at the limit', async () => {
  const clock = createSteeredClock();
  const loading = loadScripted({ clock, source: { kind: 'module', specifierOrPath: fixture('never-loads.mjs') } });
  const rejected = expect(loading).rejects.toMatchObject({
    code: 'adapter_load_failed',
    message: expect.stringContaining('30 s'),
  });
  await expect.poll(() => clock.waiting, { timeout: 20_000 }).toEqual([30_000]);
  clock.advance(30_000);
  await rejected;
});

test('a module that ends the process while it loads fails to load', async () => {
  await expect(loadScripted({ source: { kind: 'module', specifierOrPath: fixture('exits-on-load.mjs') } })).rejects.toMatchObject(
    {
      code: 'adapter_crashed',
      message: expect.stringContaining('exit code 9'),
    },
  );
});
