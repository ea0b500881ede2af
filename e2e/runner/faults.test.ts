import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunner } from '@runbeat/runner';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Fault, startFaultProxy } from './harness/fault-proxy.js';
import { startLightServer, textOf } from './harness/light-server.js';
import { expectedText, scriptedAdapter } from './harness/scripted-adapter.js';

/** Small, so that a hundred faults fit into seconds. */
const settings = {
  requestGraceMs: 400,
  firstRetryMs: 20,
  backoffMinMs: 20,
  backoffMaxMs: 100,
  logGatherMs: 5,
  jobRetryMinMs: 10,
  jobRetryMaxMs: 50,
};

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const faults: Fault[] = ['drop-request', 'drop-answer', 'delay', 'duplicate', '500', '502', '503', '429', 'html'];
const faultArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Fault>('none') },
  { weight: 2, arbitrary: fc.constantFrom(...faults) },
);

test('whatever happens to requests, each run executes once, its log is byte-equal and its result arrives once', async () => {
  const server = await startLightServer();
  cleanups.push(() => server.close());
  const proxy = await startFaultProxy(() => server.port);
  cleanups.push(() => proxy.close());
  const executions = new Map<string, number>();
  const home = await mkdtemp(join(tmpdir(), 'runbeat-runner-'));
  cleanups.push(() => rm(home, { recursive: true, force: true }));
  const runner = createRunner({
    serverUrl: proxy.url,
    home,
    adapters: [scriptedAdapter(executions)],
    labels: ['test'],
    slots: 8,
    settings,
  });
  cleanups.push(() => runner.stop());
  await runner.start();

  await fc.assert(
    fc.asyncProperty(
      fc.array(faultArbitrary, { minLength: 20, maxLength: 60 }),
      fc.array(fc.record({ lines: fc.integer({ min: 0, max: 40 }), lineBytes: fc.integer({ min: 10, max: 3_000 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      async (schedule, wishes) => {
        let next = 0;
        proxy.choose = () => schedule[next++] ?? 'none';
        const runs = wishes.map((wish, n) => ({ run: server.startRun({ ...wish, text: `äöü€😀 ${n}` }), wish, n }));
        for (const { run, wish, n } of runs) {
          const result = await run.ended;
          expect(result).toMatchObject({ status: 'succeeded', summary: `${wish.lines} lines` });
          expect(textOf(run)).toBe(expectedText({ ...wish, text: `äöü€😀 ${n}` }));
          expect(run.results).toHaveLength(1);
          expect(executions.get(run.id)).toBe(1);
          expect(run.events.map((event) => event.type)).not.toContain('runner_log_mismatch');
        }
      },
    ),
    { numRuns: 12, endOnFailure: true },
  );
  proxy.choose = () => 'none';
  await expect.poll(() => runner.health().client?.outboxDepth, { timeout: 30_000 }).toBe(0);
});
