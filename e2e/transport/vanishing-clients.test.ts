import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../harness/processes.js';
import { countedLines, readLog, startTestServer, textOf, untilEnded } from '../harness/test-server.js';
import { resourcesOf } from './server-resources.js';
import { vanish, vanishingPoints } from './vanishing-clients.js';

/** 10,000 by `npm run soak:upgrades`; fewer where the whole suite runs. */
const clients = Number(process.env['RUNBEAT_VANISHING_CLIENTS'] ?? 1_500);
const atOnce = 100;

const counts = fileURLToPath(new URL('./programs/counts.mjs', import.meta.url));

describe('clients that vanish during an upgrade', () => {
  it(`T1 ${clients} of them, also while they are rejected, leave the server alive, its runs undisturbed and nothing open`, {
    timeout: 240_000,
  }, async () => {
    const server = await startTestServer({ environment: { RUNBEAT_LOG_LEVEL: 'warn' } });
    const port = Number(new URL(server.url).port);
    // A run that prints all the while, and a page that polls as a dashboard does.
    const agentId = await server.agent(counts, ['200', '20']);
    const run = await server.wake(agentId);
    let polls = 0;
    let isPolling = true;
    const polling = (async () => {
      while (isPolling) {
        await Promise.all([server.client.runs.live(server.companyId), server.client.runs.log(run.id, { limitBytes: 10_000 })]);
        polls += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await Promise.all(Array.from({ length: 50 }, () => server.client.health.live()));
    const before = resourcesOf(server.pid);
    const started = performance.now();
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < clients) {
          const index = next;
          next += 1;
          const point = vanishingPoints[index % vanishingPoints.length] ?? 'after the headers';
          // Spread evenly and not by chance, so that a failure comes again.
          await vanish({ port, companyId: server.companyId, point, progress: ((index * 7919) % 1_000) / 1_000 });
        }
      }),
    );
    const tookMs = performance.now() - started;
    isPolling = false;
    await polling;
    expect(polls).toBeGreaterThan(5);
    expect((await server.client.health.live()).status).toBe('ok');
    // Connections that the clients' side has forgotten are still being closed for a moment.
    let after = resourcesOf(server.pid);
    await waitUntil(
      () => {
        after = resourcesOf(server.pid);
        return after.descriptors <= before.descriptors;
      },
      60_000,
      () => `descriptors to go back from ${after.descriptors} to ${before.descriptors}`,
    );
    expect(after.residentKiB - before.residentKiB).toBeLessThan(150_000);
    const ended = await untilEnded(server.client, run.id);
    expect([ended.status, ended.exitCode]).toEqual(['succeeded', 0]);
    const lines = countedLines(textOf(await readLog(server.client, run.id)));
    expect(lines).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    console.log(
      `T1: ${clients} clients in ${(tookMs / 1_000).toFixed(1)} s, ${polls} polls; descriptors ${before.descriptors} → ${after.descriptors}, resident ${Math.round(before.residentKiB / 1_024)} → ${Math.round(after.residentKiB / 1_024)} MiB`,
    );
  });
});
