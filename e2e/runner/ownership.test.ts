import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LightBench, openLightBench, timeUntil } from './harness/light-bench.js';
import { quickSettings, textOf } from './harness/light-server.js';
import { expectedText } from './harness/scripted-adapter.js';

let bench: LightBench;
beforeEach(async () => {
  bench = await openLightBench();
});
afterEach(() => bench.close());

test('two runners with one id: the newer one works, the older says why it does not, and neither fights', async () => {
  const first = await bench.runner();
  await timeUntil(() => first.health().client?.status === 'streaming');
  const copy = await bench.home();
  await cp(join(first.home, 'identity.json'), join(copy, 'identity.json'));
  const second = await bench.runner({ home: copy, name: 'copy' });
  await timeUntil(() => second.health().client?.status === 'streaming' && first.health().client?.status === 'rejected');
  // Not from its health: on a loaded machine it may have asked again by now, and was told that the other one is active.
  expect(first.log.join('\n')).toMatch(/session_superseded/);
  const since = second.health().client?.streamConnectedSince;
  // The first one asks politely now and then, and is refused as long as the second is connected.
  await timeUntil(() => /session_active/.test(first.health().client?.lastError ?? ''));
  expect(second.health().client).toMatchObject({ status: 'streaming', streamConnectedSince: since });
  await second.stop();
  await timeUntil(() => first.health().client?.status === 'streaming');
  expect(await bench.server.startRun({ lines: 1 }).ended).toMatchObject({ status: 'succeeded' });
});

test('one home folder takes one runner; the second is told the pid of the first', async () => {
  const first = await bench.runner();
  await expect(bench.runner({ home: first.home })).rejects.toMatchObject({
    code: 'runner_home_locked',
    message: expect.stringContaining(String(process.pid)),
  });
});

test('a partition longer than lease and grace: both sides let go, the late writer is fenced, another runner may have it', async () => {
  await bench.close();
  bench = await openLightBench({ ...quickSettings, runnerLeaseMs: 400, runnerDisconnectGraceMs: 500 });
  const lost = await bench.runner({ labels: ['test'] });
  const run = bench.server.startRun({ lines: 3_000, pauseMs: 5 });
  await timeUntil(() => run.records.length > 3);
  bench.gate.set('hole');
  expect(await run.ended).toMatchObject({ status: 'failed', error: { code: 'runner_lost', retryable: true } });
  // It had stopped the work by its own clock, before the server gave the run up.
  await timeUntil(() => lost.health().jobs[0]?.phase === 'finishing');
  const other = await bench.runner({ serverUrl: bench.server.url, name: 'other' });
  const again = bench.server.startRun({ lines: 3 });
  expect(await again.ended).toMatchObject({ status: 'succeeded' });
  bench.gate.set('open');
  await timeUntil(() => lost.health().jobs.length === 0);
  expect(run.results).toHaveLength(1);
  expect(other.health().jobs).toEqual([]);
});

test('a runner that is told to keep its work goes on through a partition of any length', async () => {
  await bench.close();
  bench = await openLightBench({ ...quickSettings, runnerLeaseMs: 300, runnerDisconnectGraceMs: 300 });
  const runner = await bench.runner({ onDisconnect: 'keep' });
  const run = bench.server.startRun({ lines: 250, pauseMs: 10 });
  await timeUntil(() => run.records.length > 3);
  bench.gate.set('hole');
  await run.ended;
  await timeUntil(() => runner.health().jobs[0]?.phase === 'finishing');
  expect(runner.health().jobs[0]?.logEnd).toBeGreaterThan(250 * 40);
});

test('a cancel that races the end: one of the two, once', async () => {
  await bench.runner();
  for (let n = 0; n < 15; n += 1) {
    const run = bench.server.startRun({ lines: 2 });
    await timeUntil(() => run.handle !== null);
    await new Promise((resolve) => setTimeout(resolve, n * 3));
    bench.server.cancel(run);
    expect((await run.ended).status).toMatch(/cancelled|succeeded/);
    expect(run.results).toHaveLength(1);
  }
});

test('a disabled runner gets no work and says so; enabled again it does what waited', async () => {
  const runner = await bench.runner();
  await timeUntil(() => runner.health().client?.status === 'streaming');
  const id = runner.health().runner.id;
  await bench.server.service().setAdminStatus(id, 'disabled');
  const run = bench.server.startRun({ lines: 1 });
  expect(await bench.server.service().health(id)).toMatchObject({ health: { status: 'unhealthy' } });
  expect(bench.server.service().find('scripted', { runnerLabel: 'test' })).toMatchObject({
    found: false,
    message: expect.stringContaining('disabled'),
  });
  await bench.server.service().setAdminStatus(id, 'enabled');
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
});

test('of several runners with a label the freest gets the run, and more runs than slots wait their turn', async () => {
  await bench.runner({ slots: 1, name: 'one' });
  await bench.runner({ slots: 2, name: 'two' });
  await timeUntil(
    () =>
      bench.server
        .service()
        .list()
        .filter((runner) => runner.health.status === 'healthy').length === 2,
  );
  const wish = { lines: 10, lineBytes: 30, text: 'x', pauseMs: 3 };
  const runs = Array.from({ length: 12 }, () => bench.server.startRun(wish));
  for (const run of runs) {
    expect(await run.ended).toMatchObject({ status: 'succeeded' });
    expect(textOf(run)).toBe(expectedText(wish));
  }
});

test('a run that the server closed another way is stopped and dropped by its runner, working or finished', async () => {
  const runner = await bench.runner();
  const working = bench.server.startRun({ lines: 3_000, pauseMs: 10 });
  const finishing = bench.server.startRun({ lines: 100, pauseMs: 5 });
  await timeUntil(() => working.records.length > 3 && finishing.records.length > 3);
  bench.gate.set('hole');
  await timeUntil(() => runner.health().client?.outboxDepth === 1);
  // The reaper of this or of another server gave both up; nobody follows them any more.
  await bench.server.crash();
  for (const run of [working, finishing]) run.results.push({ status: 'cancelled', forced: true });
  await bench.server.restart();
  bench.gate.set('open');
  await timeUntil(() => runner.health().jobs.length === 0);
  expect(working.results).toHaveLength(1);
  expect(bench.executions.get(working.id)).toBe(1);
});
