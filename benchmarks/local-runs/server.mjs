// A Runbeat server with the local adapter, in a process of its own. Tells its parent by IPC what it costs.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createLocalAdapter } from '@runbeat/adapter-local';
import { createServer } from '@runbeat/server';

const [home] = process.argv.slice(2);
const server = createServer({
  settings: { home, port: 0, logLevel: 'silent', rateLimitPerMinute: 1_000_000, supervisor: { maxConcurrentRuns: 1_000 } },
  adapters: [createLocalAdapter({ runsDirectory: join(home, 'runs') })],
});
await server.start();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', async ({ type, runId, isExact }) => {
  // Told and not asked for by HTTP again and again, which would be most of what is measured.
  if (type === 'when-settled') process.send({ type: 'settled', run: await server.supervisor().whenSettled(runId) });
  if (type === 'usage') {
    if (isExact) for (let times = 0; times < 2; times += 1) globalThis.gc?.();
    process.send({
      type: 'usage',
      cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
      residentBytes: process.memoryUsage.rss(),
      eventLoopP99Ms: delay.percentile(99) / 1e6,
    });
    delay.reset();
  }
  if (type === 'end') {
    await server.close();
    process.disconnect();
  }
});
process.send({ type: 'listening', url: server.url });
