import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunnerHealth } from '@runbeat/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTcpGate, type TcpGate } from './harness/fault-proxy.js';
import { quickRunner, timeUntil } from './harness/light-bench.js';
import { type LightServer, startLightServer } from './harness/light-server.js';

/** A real cable that can be pulled: needs root and a kernel that allows network namespaces. The fault proxy covers the rest. */
const space = `rb${process.pid % 100_000}`;
const canHaveNamespaces = ((): boolean => {
  try {
    execFileSync('ip', ['netns', 'add', space], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const program = fileURLToPath(new URL('./programs/runner-process.mjs', import.meta.url));
const subnet = `10.${200 + (process.pid % 50)}.${process.pid % 250}`;
const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

let server: LightServer;
let gate: TcpGate;
let folder: string;
let runner: ChildProcess | null = null;
beforeEach(async () => {
  if (!canHaveNamespaces) return;
  ip('netns', 'add', space);
  ip('link', 'add', `${space}a`, 'type', 'veth', 'peer', 'name', `${space}b`, 'netns', space);
  ip('addr', 'add', `${subnet}.1/24`, 'dev', `${space}a`);
  ip('link', 'set', `${space}a`, 'up');
  ip('-n', space, 'addr', 'add', `${subnet}.2/24`, 'dev', `${space}b`);
  ip('-n', space, 'link', 'set', `${space}b`, 'up');
  ip('-n', space, 'link', 'set', 'lo', 'up');
  server = await startLightServer();
  gate = await startTcpGate(() => server.port, `${subnet}.1`);
  folder = await mkdtemp(join(tmpdir(), 'runbeat-netns-'));
});
afterEach(async () => {
  if (!canHaveNamespaces) return;
  const gone = runner === null || runner.exitCode !== null ? null : new Promise((resolve) => runner?.once('exit', resolve));
  runner?.kill('SIGKILL');
  await gone;
  runner = null;
  await gate.close();
  await server.close();
  ip('netns', 'del', space);
  await rm(folder, { recursive: true, force: true });
});

test.runIf(canHaveNamespaces)(
  'T6 a pulled cable (packets vanish, nothing is closed) is noticed in time and healed when it is back',
  async () => {
    const config = {
      serverUrl: gate.url,
      home: join(folder, 'home'),
      runsDirectory: join(folder, 'runs'),
      labels: ['test'],
      settings: { ...quickRunner, healthWriteMs: 50 },
    };
    runner = spawn('ip', ['netns', 'exec', space, process.execPath, program, JSON.stringify(config)], { stdio: 'ignore' });
    const health = async (): Promise<RunnerHealth['client']> =>
      (JSON.parse(await readFile(join(folder, 'home', 'health.json'), 'utf8').catch(() => '{}')) as Partial<RunnerHealth>)
        .client ?? null;
    await expect.poll(async () => (await health())?.status, { timeout: 30_000 }).toBe('streaming');
    const before = await health();

    ip('link', 'set', `${space}a`, 'down');
    await expect.poll(async () => (await health())?.status, { timeout: 30_000 }).toBe('reconnecting');
    await expect.poll(async () => (await health())?.reconnectCount, { timeout: 30_000 }).toBeGreaterThan(1);
    await timeUntil(() => server.service().list()[0]?.health.status === 'unhealthy');

    const run = server.startRun({ command: process.execPath, args: ['-e', 'console.log("hello")'] }, { type: 'local' });
    ip('link', 'set', `${space}a`, 'up');
    await expect.poll(async () => (await health())?.status, { timeout: 30_000 }).toBe('streaming');
    expect((await health())?.streamConnectedSince).not.toBe(before?.streamConnectedSince);
    expect(await run.ended).toMatchObject({ status: 'succeeded' });
  },
);
