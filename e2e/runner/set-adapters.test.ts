import { afterEach, expect, test } from 'vitest';
import { startFaultProxy } from './harness/fault-proxy.js';
import { openLightBench, quickRunner, timeUntil } from './harness/light-bench.js';
import { quickSettings } from './harness/light-server.js';
import { scriptedAdapter } from './harness/scripted-adapter.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openBench(settings: Parameters<typeof openLightBench>[0]) {
  const bench = await openLightBench(settings);
  cleanups.push(() => bench.close());
  return bench;
}

test('adapters that a runner gets while it works are told at once, between two heartbeats, under the same session', async () => {
  // The next regular heartbeat would come after the test's own limit.
  const bench = await openBench({ ...quickSettings, runnerHeartbeatMs: 120_000, runnerLeaseMs: 360_000 });
  const runner = await bench.runner({ adapters: [] });
  await timeUntil(() => runner.health().client?.lastHeartbeatOk === true);
  const before = runner.health().client;
  const run = bench.server.startRun({ lines: 1 });
  expect(bench.server.service().find('scripted', run.adapter.placement)).toMatchObject({
    found: false,
    message: expect.stringContaining('has no adapter scripted'),
  });
  runner.setAdapters([scriptedAdapter(bench.executions)]);
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(runner.health().client).toMatchObject({ reconnectCount: 0, streamConnectedSince: before?.streamConnectedSince });

  runner.setAdapters([]);
  await timeUntil(() => bench.server.service().list()[0]?.runner.adapters.length === 0);
  expect(runner.health().client?.reconnectCount).toBe(0);
});

test('a change whose heartbeat is lost is told by the next one', async () => {
  const bench = await openBench({ ...quickSettings, runnerHeartbeatMs: 300, runnerLeaseMs: 30_000 });
  const proxy = await startFaultProxy(() => bench.server.port);
  cleanups.push(() => proxy.close());
  const runner = await bench.runner({ adapters: [], serverUrl: proxy.url, settings: quickRunner });
  await timeUntil(() => runner.health().client?.lastHeartbeatOk === true);
  let lost = 0;
  proxy.choose = ({ path }) => {
    if (!path.endsWith('/heartbeat') || lost > 0) return 'none';
    lost += 1;
    return 'drop-request';
  };
  runner.setAdapters([scriptedAdapter(bench.executions)]);
  const run = bench.server.startRun({ lines: 1 });
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(lost).toBe(1);
  expect(runner.health().client?.reconnectCount).toBe(0);
});

test('an offer for an adapter that went away before the server heard of it is left alone, and taken when the adapter is back', async () => {
  const bench = await openBench({ ...quickSettings, runnerHeartbeatMs: 120_000, runnerLeaseMs: 360_000 });
  const proxy = await startFaultProxy(() => bench.server.port);
  cleanups.push(() => proxy.close());
  const adapter = scriptedAdapter(bench.executions);
  const runner = await bench.runner({ adapters: [adapter], serverUrl: proxy.url, settings: quickRunner });
  await timeUntil(() => runner.health().client?.lastHeartbeatOk === true);
  let lost = 0;
  let polls = 0;
  let claims = 0;
  proxy.choose = ({ path }) => {
    if (path.endsWith('/poll')) polls += 1;
    if (path.endsWith('/claim')) claims += 1;
    if (!path.endsWith('/heartbeat') || lost > 0) return 'none';
    lost += 1;
    return 'drop-request';
  };
  runner.setAdapters([]);
  await timeUntil(() => lost === 1);
  const run = bench.server.startRun({ lines: 1 });
  const before = polls;
  await timeUntil(() => polls > before + 3);
  expect([run.results.length, claims]).toEqual([0, 0]);
  runner.setAdapters([adapter]);
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect([claims, bench.executions.get(run.id)]).toEqual([1, 1]);
});
