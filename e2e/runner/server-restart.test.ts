import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LightBench, openLightBench, timeUntil } from './harness/light-bench.js';
import { quickSettings, textOf } from './harness/light-server.js';
import { expectedText } from './harness/scripted-adapter.js';

let bench: LightBench;
beforeEach(async () => {
  bench = await openLightBench();
});
afterEach(() => bench.close());

test('a server that crashes with output not yet stored gets it again from the runner', async () => {
  await bench.runner();
  const wish = { lines: 300, lineBytes: 500, text: 'x', pauseMs: 4 };
  const run = bench.server.startRun(wish);
  for (let crashes = 0; crashes < 3; crashes += 1) {
    const seen = run.records.length;
    await timeUntil(() => run.records.length > seen + 20 || run.results.length > 0);
    await bench.server.crash(7);
    await bench.server.restart();
  }
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(textOf(run)).toBe(expectedText(wish));
  expect(bench.executions.get(run.id)).toBe(1);
  expect(run.events.filter((event) => event.type === 'runner_log_mismatch')).toEqual([]);
});

test('a run that ended while the server was away is settled when it is back', async () => {
  const runner = await bench.runner();
  const run = bench.server.startRun({ lines: 30, pauseMs: 10 });
  await timeUntil(() => run.records.length > 3);
  await bench.server.crash();
  await timeUntil(() => runner.health().client?.outboxDepth === 1);
  await bench.server.restart();
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  await timeUntil(() => runner.health().jobs.length === 0);
});

test('an emptied server: the runner registers again under its token, takes new work, and keeps what is unknown', async () => {
  const runner = await bench.runner();
  // Long enough to be at work still when the right database is back, also on a loaded machine.
  const wish = { lines: 400, lineBytes: 40, text: 'x', pauseMs: 20 };
  const run = bench.server.startRun(wish);
  await timeUntil(() => run.records.length > 3);
  await bench.server.crash();
  bench.server.wipe();
  bench.server.runs.delete(run.id);
  await bench.server.restart();
  await timeUntil(() => runner.health().client?.status === 'streaming');
  expect(runner.health().jobs).toMatchObject([{ runId: run.id, phase: 'running' }]);
  expect(await bench.server.startRun({ lines: 2 }).ended).toMatchObject({ status: 'succeeded' });

  // The right database is back, as it was before the run was assigned: it is offered anew.
  run.handle = null;
  run.records.length = 0;
  bench.server.runs.set(run.id, run);
  await bench.server.crash();
  await bench.server.restart();
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(textOf(run)).toBe(expectedText(wish));
  expect(bench.executions.get(run.id)).toBe(1);
});

test('a run that stays unknown is given up after the grace; log and result are kept and come back with a new offer', async () => {
  await bench.close();
  bench = await openLightBench({ ...quickSettings, runnerDisconnectGraceMs: 2_000 });
  const runner = await bench.runner();
  const run = bench.server.startRun({ lines: 3_000, pauseMs: 5 });
  await timeUntil(() => run.records.length > 3);
  bench.server.runs.delete(run.id);
  await bench.server.crash();
  bench.server.wipe();
  await bench.server.restart();
  await timeUntil(() => runner.health().jobs.length === 0);

  run.handle = null;
  run.records.length = 0;
  bench.server.runs.set(run.id, run);
  await bench.server.crash();
  await bench.server.restart();
  expect(await run.ended).toMatchObject({ status: 'cancelled' });
  expect(textOf(run)).toMatch(/^line 0 /);
  expect(bench.executions.get(run.id)).toBe(1);
});
