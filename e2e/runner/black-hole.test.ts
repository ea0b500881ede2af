import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LightBench, openLightBench, timeUntil } from './harness/light-bench.js';
import { quickSettings, textOf } from './harness/light-server.js';
import { expectedText } from './harness/scripted-adapter.js';

let bench: LightBench;
beforeEach(async () => {
  bench = await openLightBench();
});
afterEach(() => bench.close());

/** Poll wait and the deadline behind it, and what a loaded machine may add. */
const noticeLimitMs = (quickSettings.runnerPollWaitMs ?? 0) + 400 + 4_000;

describe('a link that swallows everything without closing', () => {
  test('T6 is noticed while idle, seen in health, log and file, counted with each attempt, and healed', async () => {
    const runner = await bench.runner({ healthPort: 0 });
    await timeUntil(() => runner.health().client?.status === 'streaming');
    const before = runner.health().client;
    expect(before).toMatchObject({ reconnectCount: 0, streamConnected: true });

    bench.gate.set('hole');
    const noticedMs = await timeUntil(() => runner.health().client?.status === 'reconnecting');
    expect(noticedMs).toBeLessThan(noticeLimitMs);
    await timeUntil(() => (runner.health().client?.reconnectCount ?? 0) >= 2);
    expect(runner.health()).toMatchObject({
      client: { streamConnected: false, streamConnectedSince: null },
      health: { status: expect.stringMatching(/degraded|unhealthy/) },
    });
    expect(runner.health().health.issues.map((issue) => issue.code)).toContain('stream_down');
    expect(runner.log.some((line) => line.startsWith('warn runner reconnecting'))).toBe(true);
    const metrics = await (await fetch(`http://127.0.0.1:${runner.healthPort}/metrics`)).text();
    expect(metrics).toMatch(/runbeat_runner_stream_connected 0\n/);
    expect(metrics).toMatch(/runbeat_runner_reconnects_total [1-9]/);
    const file = JSON.parse(await readFile(join(runner.home, 'health.json'), 'utf8'));
    expect(file.client.status).toBe('reconnecting');

    const offered = bench.server.startRun({ lines: 3 });
    bench.gate.set('open');
    await timeUntil(() => runner.health().client?.status === 'streaming');
    const after = runner.health().client;
    expect(after?.streamConnectedSince).not.toBe(before?.streamConnectedSince);
    expect(await offered.ended).toMatchObject({ status: 'succeeded' });
    await expect.poll(() => runner.health().health.status, { timeout: 30_000 }).toBe('healthy');
  });

  test('the server sees it too, from the ages of what it last heard', async () => {
    const runner = await bench.runner();
    await timeUntil(() => bench.server.service().list()[0]?.client?.streamConnected === true);
    bench.gate.set('hole');
    const issues = (): string[] =>
      bench.server
        .service()
        .list()[0]
        ?.health.issues.map((issue) => issue.code) ?? [];
    await timeUntil(() => issues().includes('lease_expired') && issues().includes('poll_overdue'));
    const [seen] = bench.server.service().list();
    expect(seen).toMatchObject({ health: { status: 'unhealthy' }, runner: { livenessStatus: 'expired' } });
    // The runner's own last word was "connected": it is not believed.
    expect(seen?.client?.streamConnected).toBe(true);
    bench.gate.set('open');
    await timeUntil(() => bench.server.service().list()[0]?.health.status === 'healthy');
    expect(runner.health().client?.reconnectCount).toBeGreaterThan(0);
  });

  test('with output on the way nothing is lost or doubled, and the work goes on meanwhile', async () => {
    const runner = await bench.runner();
    const wish = { lines: 200, lineBytes: 2_000, text: 'x', pauseMs: 5 };
    const run = bench.server.startRun(wish);
    await timeUntil(() => run.records.length > 10);
    bench.gate.set('hole');
    await timeUntil(() => runner.health().client?.status === 'reconnecting');
    await timeUntil(
      () => (runner.health().client?.spoolBytesUnacked ?? 0) > 100_000 || runner.health().client?.outboxDepth === 1,
    );
    bench.gate.set('open');
    expect(await run.ended).toMatchObject({ status: 'succeeded' });
    expect(textOf(run)).toBe(expectedText(wish));
    expect(bench.executions.get(run.id)).toBe(1);
  });

  test('on connect it is tried again until it is gone', async () => {
    bench.gate.set('hole');
    const runner = await bench.runner();
    await timeUntil(() => (runner.health().client?.consecutiveFailures ?? 0) >= 2);
    expect(runner.health().client?.status).toBe('registering');
    bench.gate.set('open');
    await timeUntil(() => runner.health().client?.status === 'streaming');
  });
});

test('reset connections are noticed at once and offers made meanwhile are done', async () => {
  const runner = await bench.runner();
  await timeUntil(() => runner.health().client?.status === 'streaming');
  bench.gate.set('closed');
  const noticedMs = await timeUntil(() => runner.health().client?.status === 'reconnecting');
  expect(noticedMs).toBeLessThan(noticeLimitMs);
  const run = bench.server.startRun({ lines: 2 });
  bench.gate.set('open');
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
});

test('work that was detached longer than its lease is told so, and taken back', async () => {
  const runner = await bench.runner();
  const run = bench.server.startRun({ lines: 400, pauseMs: 10 });
  await timeUntil(() => run.records.length > 5);
  bench.gate.set('hole');
  await timeUntil(() => run.events.some((event) => event.type === 'runner_detached'));
  bench.gate.set('open');
  await timeUntil(() => run.events.some((event) => event.type === 'runner_reattached'));
  bench.server.cancel(run);
  expect(await run.ended).toMatchObject({ status: 'cancelled' });
  expect(runner.health().client?.reconnectCount).toBeGreaterThan(0);
});
