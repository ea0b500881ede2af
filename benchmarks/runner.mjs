// What it costs to run work on a runner instead of in the server: the way from an offer to the start of the work, output
// through disk and wire, and the requests of a runner that has nothing to do. All on loopback, with default settings.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalAdapter } from '@runbeat/adapter-local';
import { createRunner } from '@runbeat/runner';
import { createServer } from '@runbeat/server';

const runnerProgram = fileURLToPath(new URL('./runner/runner-process.mjs', import.meta.url));
const producer = fileURLToPath(new URL('./runner/prints-lines.mjs', import.meta.url));
const MEBIBYTE = 1024 * 1024;

export default { title: 'work on a runner against work in the server', run };

async function run({ scale }) {
  const folder = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  const starts = new Map();
  const startsAdapter = {
    specVersion: 'adapter-v1',
    type: 'starts',
    configSchema: { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } },
    hasOutOfProcessLiveness: false,
    async execute(context) {
      starts.set(context.runId, performance.now());
      return { status: 'succeeded' };
    },
  };
  const server = createServer({
    settings: { home: join(folder, 'server'), port: 0, logLevel: 'silent' },
    adapters: [startsAdapter, createLocalAdapter({ runsDirectory: join(folder, 'runs-server') })],
  });
  await server.start();
  // In this process, so that both ways are timed by one clock.
  const near = createRunner({ serverUrl: server.url, home: join(folder, 'near'), adapters: [startsAdapter], labels: ['bench'] });
  await near.start();
  const far = await startFarRunner({
    serverUrl: server.url,
    home: join(folder, 'far'),
    runsDirectory: join(folder, 'runs-far'),
    labels: ['bench'],
  });
  try {
    const api = apiOf(server);
    const agents = await createAgents(api);
    while (near.health().client?.status !== 'streaming') await sleep(20);
    const figures = [await latency({ api, agents, starts, rounds: Math.max(10, Math.round(60 * scale)) })];
    await near.stop();
    figures.push(await throughput({ api, agents, bytes: Math.max(4 * MEBIBYTE, Math.round(192 * MEBIBYTE * scale)) }));
    figures.push(await idle({ server, home: join(folder, 'idle'), seconds: Math.max(45, Math.round(60 * scale)) }));
    return figures;
  } finally {
    await near.stop();
    await far.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A runner in a process of its own: in the server's process the two would share one thread. */
async function startFarRunner(options) {
  const child = spawn(process.execPath, [runnerProgram, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the runner ended with ${code}`)));
  });
  return {
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

/** From the wakeup's answer being asked for to the adapter's `execute`, one run at a time, both ways by turns. */
async function latency({ api, agents, starts, rounds }) {
  const spans = { server: [], runner: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const place of ['server', 'runner']) {
      const asked = performance.now();
      const run = await wake(api, agents[`starts-${place}`]);
      await ended(api, run);
      spans[place].push(starts.get(run) - asked);
    }
  }
  const [value, baseline] = [median(spans.runner), median(spans.server)];
  return {
    id: 'runner-start',
    what: 'wakeup to start of the work on a runner, median, against in the server (goal: difference)',
    value,
    unit: 'ms',
    baseline,
    ratio: value / baseline,
    goal: '≤ 15 ms more',
    isMet: value - baseline <= 15,
  };
}

/** A program's lines until the run is settled with all of them stored; adapter `local` in both places. */
async function throughput({ api, agents, bytes }) {
  const rates = { server: [], runner: [] };
  for (let round = 0; round < 3; round += 1) {
    for (const place of ['server', 'runner']) {
      const began = performance.now();
      const run = await wake(api, agents[`local-${place}`], {
        adapterConfigOverride: { command: process.execPath, args: [producer, String(bytes)] },
      });
      const { status, logBytes } = await ended(api, run);
      if (status !== 'succeeded' || logBytes < bytes) throw new Error(`the run ${status} with ${logBytes} of ${bytes} bytes`);
      rates[place].push(bytes / MEBIBYTE / ((performance.now() - began) / 1000));
    }
  }
  const [value, baseline] = [median(rates.runner), median(rates.server)];
  return {
    id: 'runner-log',
    what: `${Math.round(bytes / MEBIBYTE)} MiB of 100-byte lines over a runner, until the run is settled`,
    value,
    unit: 'MiB/s',
    baseline,
    ratio: value / baseline,
    goal: '≥ 0.5',
    isMet: value / baseline >= 0.5,
  };
}

async function idle({ server, home, seconds }) {
  const counter = await startCounter(server.url);
  const runner = createRunner({ serverUrl: counter.url, home, adapters: [] });
  try {
    await runner.start();
    while (runner.health().client?.status !== 'streaming') await sleep(20);
    // Behind what comes with the connection.
    await sleep(2_000);
    const before = counter.requests();
    await sleep(seconds * 1_000);
    const value = ((counter.requests() - before) / seconds) * 60;
    return {
      id: 'runner-idle',
      what: `requests of an idle runner, counted for ${seconds} s`,
      value,
      unit: 'per minute',
      baseline: null,
      ratio: null,
      goal: '≤ 12',
      isMet: value <= 12,
    };
  } finally {
    await runner.stop();
    await counter.close();
  }
}

async function createAgents(api) {
  const { items } = await api('GET', '/api/companies');
  const agents = {};
  for (const type of ['starts', 'local']) {
    for (const place of ['server', 'runner']) {
      const { id } = await api('POST', `/api/companies/${items[0].id}/agents`, {
        name: `${type} in ${place}`,
        adapterType: type,
        adapterConfig: type === 'local' ? { command: process.execPath } : {},
        runtimeConfig: { placement: place === 'runner' ? { runnerLabel: 'bench' } : null },
      });
      agents[`${type}-${place}`] = id;
    }
  }
  return agents;
}

async function wake(api, agentId, body = {}) {
  const { run } = await api('POST', `/api/agents/${agentId}/wakeup`, { source: 'on_demand', ...body });
  return run.id;
}

async function ended(api, id) {
  for (;;) {
    const run = await api('GET', `/api/heartbeat-runs/${id}`);
    if (run.status !== 'queued' && run.status !== 'running') return run;
    await sleep(10);
  }
}

function apiOf(server) {
  return async (method, path, body) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

/** Between runner and server, so that what is counted is what went over the wire. */
async function startCounter(target) {
  let count = 0;
  const { hostname, port } = new URL(target);
  const proxy = createHttpServer((request, response) => {
    count += 1;
    const upstream = httpRequest(
      {
        host: hostname,
        port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, host: `${hostname}:${port}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    requests: () => count,
    close: () =>
      new Promise((resolve) => {
        proxy.closeAllConnections();
        proxy.close(resolve);
      }),
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
