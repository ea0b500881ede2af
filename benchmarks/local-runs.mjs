// What a local run costs: the child's own speed, the way of its output into the store, the start, and memory and CPU of the
// server while many children run. The baselines are what a simple program would do: `command > file`, a pipe, a bare spawn.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@runbeat/client';
import { startChild } from './fan-out/child.mjs';

const runFile = promisify(execFile);
const program = (name) => fileURLToPath(new URL(`./local-runs/${name}`, import.meta.url));
const BYTES_PER_LINE = 100;

export default { title: 'local runs against bare processes', run };

async function run({ scale }) {
  const folder = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  // For exact memory: the server collects its garbage before it tells.
  const before = process.execArgv;
  process.execArgv = [...before, '--expose-gc'];
  const server = startChild('../local-runs/server.mjs', [join(folder, 'home')]);
  process.execArgv = before;
  try {
    const { url } = await server.next('listening');
    const client = createClient({ baseUrl: url });
    const companyId = (await client.companies.list()).items[0].id;
    const bench = { server, client, companyId, folder, scale };
    return [...(await start(bench)), ...(await output(bench)), ...(await manyIdle(bench)), ...(await manyTalkers(bench))];
  } finally {
    await server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** P2: one run at a time on an idle server, and the same program bare, by turns. */
async function start({ server, client, companyId, folder, scale }) {
  const command = { command: '/bin/sh', args: ['-c', 'echo first; exec sleep 0.2'] };
  const agent = await createAgent({ client, companyId }, command);
  const spans = { run: [], spawn: [] };
  for (let round = 0; round < Math.max(10, Math.round(40 * scale)); round += 1) {
    let begun = performance.now();
    const { run } = await client.agents.wakeup(agent);
    const log = join(folder, 'home', 'logs', companyId, run.id, 'log');
    while (!statSync(log, { throwIfNoEntry: false })?.size) await sleep(1);
    spans.run.push(performance.now() - begun);
    await settled(server, run.id);
    begun = performance.now();
    const child = spawn(command.command, command.args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    spans.spawn.push(performance.now() - begun);
    await once(child, 'close');
  }
  const [value, baseline] = [median(spans.run), median(spans.spawn)];
  return [
    figure('P2', 'wakeup → first byte in the store, median, against a bare spawn (goal: difference)', value, baseline, 'ms', {
      goal: '≤ 15 ms more',
      isMet: value - baseline <= 15,
    }),
  ];
}

/** P1. */
async function output({ server, client, companyId, folder, scale }) {
  const lines = Math.round(2_000_000 * scale);
  const [took, target] = [join(folder, 'took'), join(folder, 'target')];
  const args = [program('prints-many.mjs'), String(lines), took];
  const childMs = async () => Number(await readFile(took, 'utf8'));
  const agent = await createAgent({ client, companyId }, { command: process.execPath, args });
  const best = { plain: Number.POSITIVE_INFINITY, run: Number.POSITIVE_INFINITY };
  const [stored, cpu, pipeCpu] = [[], [], []];
  for (let round = 0; round < 3; round += 1) {
    const plain = spawn(process.execPath, args, { stdio: ['ignore', openSync(target, 'w'), 'inherit'] });
    await once(plain, 'close');
    best.plain = Math.min(best.plain, await childMs());
    const { stdout } = await runFile(process.execPath, [program('pipe-sink.mjs'), target, process.execPath, ...args]);
    pipeCpu.push(Number(stdout));

    const before = await server.ask({ type: 'usage' }, 'usage');
    const begun = performance.now();
    const { run } = await client.agents.wakeup(agent);
    const { status, logBytes } = await settled(server, run.id);
    const allMs = performance.now() - begun;
    if (status !== 'succeeded' || logBytes !== lines * BYTES_PER_LINE)
      throw new Error(`run ${run.id} ${status} with ${logBytes} bytes`);
    cpu.push((await server.ask({ type: 'usage' }, 'usage')).cpuMs - before.cpuMs);
    best.run = Math.min(best.run, await childMs());
    stored.push({ allMs, childMs: await childMs() });
  }
  await rm(target);
  const rate = (ms) => (lines * BYTES_PER_LINE) / 1e6 / (ms / 1_000);
  const quickest = stored.reduce((a, b) => (a.allMs / a.childMs < b.allMs / b.childMs ? a : b));
  return [
    figure('P1', `${lines} lines: the child's own throughput, against \`> file\``, rate(best.run), rate(best.plain), 'MB/s', {
      goal: '≥ 0.95',
      isMet: best.plain / best.run >= 0.95,
    }),
    figure('P1', 'wakeup until all is in the store, against the time of the child', quickest.allMs, quickest.childMs, 'ms', {
      goal: '≤ 2',
      isMet: quickest.allMs / quickest.childMs <= 2,
    }),
    figure('P1', 'CPU of the server, against a pipe and writeSync', Math.min(...cpu), Math.min(...pipeCpu), 'ms', {
      goal: '≤ 0.5',
      isMet: Math.min(...cpu) / Math.min(...pipeCpu) <= 0.5,
    }),
  ];
}

/** P7, memory. */
async function manyIdle({ server, client, companyId, scale }) {
  const count = Math.max(20, Math.round(200 * scale));
  const agent = await createAgent({ client, companyId }, { command: 'sleep', args: ['600'] }, count);
  const warm = await startRuns(client, agent, 5);
  await sleep(500);
  const before = await server.ask({ type: 'usage', isExact: true }, 'usage');
  const runs = await startRuns(client, agent, count - 5);
  await sleep(1_000);
  const after = await server.ask({ type: 'usage', isExact: true }, 'usage');
  await stopAll({ server, client }, [...warm, ...runs]);
  const value = (after.residentBytes - before.residentBytes) / 1024 / runs.length;
  return [
    figure('P7', `memory of the server per idle run, ${runs.length} runs more`, value, null, 'KiB', {
      goal: '≤ 100',
      isMet: value <= 100,
    }),
  ];
}

/** P7, CPU and event loop. */
async function manyTalkers({ server, client, companyId, scale }) {
  const count = Math.max(10, Math.round(200 * scale));
  const seconds = Math.max(3, Math.round(15 * scale));
  const measure = async () => {
    const before = await server.ask({ type: 'usage' }, 'usage');
    await sleep(seconds * 1_000);
    const after = await server.ask({ type: 'usage' }, 'usage');
    return { cores: (after.cpuMs - before.cpuMs) / (seconds * 1_000), p99Ms: after.eventLoopP99Ms };
  };
  const idle = await measure();
  // Perl, since 200 interpreters of most other languages would be the whole machine.
  const talk = '$| = 1; while (1) { print "x" x 99, "\\n"; select(undef, undef, undef, 0.01) }';
  const agent = await createAgent({ client, companyId }, { command: 'perl', args: ['-e', talk], graceMs: 1_000 }, count);
  const runs = await startRuns(client, agent, count);
  await sleep(1_000);
  const busy = await measure();
  await stopAll({ server, client }, runs);
  const what = `${count} children × 100 lines/s`;
  return [
    figure('P7', `CPU of the server at ${what}, against an idle server`, busy.cores, idle.cores, 'cores', {
      goal: `≤ ${(0.25 * count) / 200} cores`,
      isMet: busy.cores <= (0.25 * count) / 200,
    }),
    figure('P7', `event loop p99 at ${what}, against idle (goal: difference)`, busy.p99Ms, idle.p99Ms, 'ms', {
      goal: '≤ 5 ms more',
      isMet: busy.p99Ms - idle.p99Ms <= 5,
    }),
  ];
}

async function createAgent({ client, companyId }, adapterConfig, maxConcurrentRuns = 5) {
  const name = `bench-${Math.random().toString(36).slice(2)}`;
  const runtimeConfig = { heartbeat: { maxConcurrentRuns } };
  const agent = await client.agents.create(companyId, { name, adapterType: 'local', adapterConfig, runtimeConfig });
  return agent.id;
}

/** Resolves when all of them have their process. */
async function startRuns(client, agent, count) {
  const ids = [];
  for (let index = 0; index < count; index += 1) {
    const { run } = await client.agents.wakeup(agent, { taskKey: `${Math.random()}`, adapterConfigOverride: {} });
    ids.push(run.id);
  }
  for (const id of ids) while ((await client.runs.get(id)).processPid === null) await sleep(20);
  return ids;
}

async function stopAll({ server, client }, ids) {
  await Promise.all(ids.map((id) => client.runs.cancel(id)));
  for (const id of ids) await settled(server, id);
}

const settled = async (server, runId) => (await server.ask({ type: 'when-settled', runId }, 'settled')).run;

const figure = (id, what, value, baseline, unit, { goal, isMet }) => ({
  id,
  what,
  value,
  baseline,
  unit,
  ratio: baseline === null ? null : value / baseline,
  goal,
  isMet,
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
