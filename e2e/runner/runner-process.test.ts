import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../harness/processes.js';
import { timeUntil } from './harness/light-bench.js';
import { type LightRun, type LightServer, startLightServer, textOf } from './harness/light-server.js';
import { createRunnerProcess, type RunnerProcess } from './harness/runner-process.js';

const printsLines = fileURLToPath(new URL('./programs/prints-lines.mjs', import.meta.url));

let server: LightServer;
let runner: RunnerProcess;
let folder: string;
beforeEach(async () => {
  server = await startLightServer();
  folder = await mkdtemp(join(tmpdir(), 'runbeat-runner-'));
  runner = createRunnerProcess({ serverUrl: server.url, home: join(folder, 'home'), runsDirectory: join(folder, 'runs') });
  await runner.start();
});
afterEach(async () => {
  for (const run of server.runs.values()) if (run.results.length === 0) server.cancel(run);
  await timeUntil(() => [...server.runs.values()].every((run) => run.results.length > 0)).catch(() => undefined);
  runner.signal('SIGCONT');
  await runner.end();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const marks = (): string => join(folder, 'marks');
const starts = async (): Promise<number> => (await readFile(marks(), 'utf8')).trim().split('\n').length;
async function markedPid(): Promise<number> {
  const pid = Number((await readFile(marks(), 'utf8')).trim().split(' ')[1]);
  expect(pid).toBeGreaterThan(1);
  return pid;
}
const expected = (lines: number): string => Array.from({ length: lines }, (_, n) => `line ${n} äöü\n`).join('');
const stdoutOf = (run: LightRun): string =>
  run.records
    .filter((record) => record.stream === 'stdout')
    .map((record) => record.text)
    .join('');

function startLines(lines: number, pauseMs: number, type = 'local'): LightRun {
  return server.startRun({ command: process.execPath, args: [printsLines, marks(), String(lines), String(pauseMs)] }, { type });
}

test('a runner that is killed again and again finds its work by its handle: one execution, every byte once', async () => {
  const run = startLines(250, 20);
  for (let kills = 0; kills < 2; kills += 1) {
    const seen = run.records.length;
    await timeUntil(() => run.records.length > seen + 2 || run.results.length > 0);
    await runner.end('SIGKILL');
    await runner.start();
  }
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(stdoutOf(run)).toBe(expected(250));
  expect(await starts()).toBe(1);
  expect(run.events.map((event) => event.type)).toContain('runner_resumed');
  expect(run.results).toHaveLength(1);
});

test('work that ends while its runner is dead is told with its true end', async () => {
  const run = startLines(60, 10);
  await timeUntil(() => run.records.length > 2);
  await runner.end('SIGKILL');
  const pid = await markedPid();
  await timeUntil(() => !isAlive(pid));
  await runner.start();
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(stdoutOf(run)).toBe(expected(60));
});

test('runner and server killed at once: both come back and the run goes on', async () => {
  const run = startLines(150, 20);
  await timeUntil(() => run.records.length > 2);
  await Promise.all([runner.end('SIGKILL'), server.crash(3)]);
  await Promise.all([runner.start(), server.restart()]);
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(stdoutOf(run)).toBe(expected(150));
  expect(await starts()).toBe(1);
});

test('SIGTERM: leaves surviving work running, stops attached work, ends in time; the next start goes on', async () => {
  const surviving = startLines(200, 20);
  const attached = startLines(1_000, 20, 'local-attached');
  await timeUntil(() => surviving.records.length > 2 && attached.records.length > 2);
  expect(await runner.end('SIGTERM')).toBe(0);
  expect(await attached.ended).toMatchObject({ status: expect.stringMatching(/failed|cancelled/) });
  await runner.start();
  expect(await surviving.ended).toMatchObject({ status: 'succeeded' });
  expect(stdoutOf(surviving)).toBe(expected(200));
});

test('attached work whose runner was killed is ended and told as lost, never started twice', async () => {
  const run = startLines(10_000, 20, 'local-attached');
  await timeUntil(() => run.records.length > 2);
  await runner.end('SIGKILL');
  await runner.start();
  expect(await run.ended).toMatchObject({ status: 'failed', error: { code: 'process_lost' } });
  expect(await starts()).toBe(1);
  const pid = await markedPid();
  await timeUntil(() => !isAlive(pid));
});

test('sleep and resume: a stopped process connects anew at once when it goes on', async () => {
  await timeUntil(() => server.service().list()[0]?.client?.streamConnected === true);
  const before = (await runner.health()).client;
  runner.signal('SIGSTOP');
  await timeUntil(() => server.service().list()[0]?.health.status === 'unhealthy');
  runner.signal('SIGCONT');
  await expect.poll(async () => (await runner.health()).client?.reconnectCount, { timeout: 30_000 }).toBeGreaterThan(0);
  await expect.poll(async () => (await runner.health()).client?.status, { timeout: 30_000 }).toBe('streaming');
  expect((await runner.health()).client?.streamConnectedSince).not.toBe(before?.streamConnectedSince);
  expect(await startLines(2, 0).ended).toMatchObject({ status: 'succeeded' });
});

test('a reboot of the host: what ran is gone and told so, and its log up to then is kept', async () => {
  const run = startLines(10_000, 20);
  await timeUntil(() => run.records.length > 3);
  await runner.end('SIGKILL');
  const job = join(runner.home, 'jobs', run.id, 'job.json');
  const stored = JSON.parse(await readFile(job, 'utf8'));
  // After a reboot nothing is left of the group, and the boot id is another one.
  process.kill(-stored.handle.processGroupId, 'SIGKILL');
  await writeFile(
    job,
    JSON.stringify({ ...stored, handle: { ...stored.handle, bootId: '00000000-0000-0000-0000-000000000000' } }),
  );
  await runner.start();
  expect(await run.ended).toMatchObject({ status: 'failed', error: { code: 'process_lost' } });
  expect(textOf(run)).toMatch(/^line 0 /);
  await expect.poll(() => readdir(join(runner.home, 'jobs')), { timeout: 30_000 }).toEqual([]);
});

test('a finish whose runner is killed before it was accepted is delivered by the next one', async () => {
  const run = startLines(40, 10);
  await timeUntil(() => run.records.length > 2);
  await server.crash();
  await expect.poll(async () => (await runner.healthFile()).client?.outboxDepth, { timeout: 30_000 }).toBe(1);
  await runner.end('SIGKILL');
  await server.restart();
  await runner.start();
  expect(await run.ended).toMatchObject({ status: 'succeeded' });
  expect(stdoutOf(run)).toBe(expected(40));
  expect(await starts()).toBe(1);
});

test('an adapter package that is installed on the runner runs there, isolated, and its crash leaves the runner alone', async () => {
  const home = join(folder, 'with-package');
  const package_ = join(home, 'adapters', 'node_modules', 'adapter-hello');
  await mkdir(package_, { recursive: true });
  await writeFile(
    join(package_, 'package.json'),
    JSON.stringify({ name: 'adapter-hello', version: '2.3.4', type: 'module', main: 'index.mjs' }),
  );
  await writeFile(
    join(package_, 'index.mjs'),
    `export default {
      specVersion: 'adapter-v1',
      type: 'hello',
      configSchema: { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } },
      hasOutOfProcessLiveness: false,
      async execute(context) {
        if (context.config.crash) process.exit(7);
        await context.onLog('stdout', 'hello from a package\\n');
        return { status: 'succeeded' };
      },
    };`,
  );
  const other = createRunnerProcess({
    serverUrl: server.url,
    home,
    runsDirectory: join(folder, 'runs'),
    labels: ['packages'],
    packages: ['adapter-hello'],
  });
  await other.start();
  try {
    const place = { type: 'hello', label: 'packages' };
    const run = server.startRun({}, place);
    expect(await run.ended).toMatchObject({ status: 'succeeded' });
    expect(stdoutOf(run)).toBe('hello from a package\n');
    expect((await other.health()).runner.adapters).toContainEqual(expect.objectContaining({ type: 'hello', version: '2.3.4' }));
    expect(await server.startRun({ crash: true }, place).ended).toMatchObject({
      status: 'failed',
      error: { code: 'adapter_crashed' },
    });
    expect(await server.startRun({}, place).ended).toMatchObject({ status: 'succeeded' });
  } finally {
    await other.end('SIGTERM');
  }
});
