import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patience } from '../harness/processes.js';
import { createRunnerProcess, type RunnerProcess } from './harness/runner-process.js';
import { createServeProcess, isOver, type ServeProcess } from './harness/serve-process.js';

const printsLines = fileURLToPath(new URL('./programs/prints-lines.mjs', import.meta.url));
/** Poll wait and grace as `serve` is told here, and what a loaded machine may add. */
const noticeLimitMs = 1_000 + 9_000;

let folder: string;
let server: ServeProcess;
let runner: RunnerProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-e2e-runner-'));
  server = await createServeProcess(join(folder, 'server'));
  await server.start();
  runner = createRunnerProcess({
    serverUrl: server.url,
    home: join(folder, 'runner'),
    runsDirectory: join(folder, 'runs'),
    settings: { requestGraceMs: 500 },
  });
  await runner.start();
  await until(async () => (await runner.health()).client?.status === 'streaming');
});
afterAll(async () => {
  await runner?.end('SIGTERM');
  server?.signal('SIGCONT');
  await server?.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

const lines = (run: string, count: number, pauseMs: number): string[] => [
  printsLines,
  join(folder, `marks-${run}`),
  String(count),
  String(pauseMs),
];
const starts = async (run: string): Promise<number> =>
  (await readFile(join(folder, `marks-${run}`), 'utf8')).trim().split('\n').length;
const expected = (count: number): string => Array.from({ length: count }, (_, n) => `line ${n} äöü\n`).join('');

for (const { fault, strike, heal } of [
  {
    fault: 'SIGTERM',
    strike: () => server.end('SIGTERM'),
    heal: () => server.start(),
  },
  {
    fault: 'SIGKILL',
    strike: () => server.end('SIGKILL'),
    heal: () => server.start(),
  },
  {
    fault: 'SIGSTOP and SIGCONT',
    strike: async () => server.signal('SIGSTOP'),
    heal: async () => server.signal('SIGCONT'),
  },
]) {
  test(`T6 server ${fault}: noticed in time, counted, healed; work goes on, and what is offered meanwhile is done`, async () => {
    // Not `healthy`: after the first fault it is rightly called flapping.
    await until(async () => (await runner.health()).client?.status === 'streaming');
    const before = (await runner.health()).client;
    const id = fault.replaceAll(' ', '');
    const run = await server.startRun(process.execPath, lines(id, 120, 40));
    await server.whenRun(run, (row) => row.logBytes > 0 || row.status === 'running');
    await until(async () => (await readFile(join(folder, `marks-${id}`), 'utf8').catch(() => '')) !== '');

    await strike();
    const struckMs = performance.now();
    await until(async () => (await runner.health()).client?.status === 'reconnecting');
    expect(performance.now() - struckMs).toBeLessThan(noticeLimitMs);
    await until(async () => ((await runner.health()).client?.reconnectCount ?? 0) > (before?.reconnectCount ?? 0) + 1);
    expect(await runner.health()).toMatchObject({ client: { streamConnected: false, streamConnectedSince: null } });
    expect(runner.log.filter((line) => line.includes('runner reconnecting')).length).toBeGreaterThan(0);

    await heal();
    const meanwhile = await server.startRun(process.execPath, lines(`${id}-2`, 2, 0));
    await until(async () => (await runner.health()).client?.status === 'streaming');
    expect((await runner.health()).client?.streamConnectedSince).not.toBe(before?.streamConnectedSince);
    expect(await server.whenRun(run, isOver)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(await server.stdout(run)).toBe(expected(120));
    expect(await starts(id)).toBe(1);
    expect(await server.whenRun(meanwhile, isOver)).toMatchObject({ status: 'succeeded' });
  });
}

test('server and runner killed again and again during one run: one execution, every byte once', async () => {
  const run = await server.startRun(process.execPath, lines('both', 150, 40));
  await until(async () => (await readFile(join(folder, 'marks-both'), 'utf8').catch(() => '')) !== '');
  await server.end('SIGKILL');
  await runner.end('SIGKILL');
  await Promise.all([server.start(), runner.start()]);
  await server.whenRun(run, (row) => row.logBytes > 0 || isOver(row));
  await runner.end('SIGKILL');
  await runner.start();
  expect(await server.whenRun(run, isOver)).toMatchObject({ status: 'succeeded' });
  expect(await server.stdout(run)).toBe(expected(150));
  expect(await starts('both')).toBe(1);
});

test('cancel reaches the runner and is said to be done only when the work is gone', async () => {
  const run = await server.startRun(process.execPath, lines('cancel', 100_000, 20));
  await until(async () => (await readFile(join(folder, 'marks-cancel'), 'utf8').catch(() => '')) !== '');
  const pid = Number((await readFile(join(folder, 'marks-cancel'), 'utf8')).trim().split(' ')[1]);
  await server.api('POST', `/api/heartbeat-runs/${run}/cancel`, {});
  expect(await server.whenRun(run, isOver)).toMatchObject({ status: 'cancelled' });
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

async function until(condition: () => Promise<boolean>, ceilingMs = 30_000): Promise<void> {
  const startMs = performance.now();
  while (!(await condition().catch(() => false))) {
    if (performance.now() - startMs > ceilingMs * patience)
      throw new Error(`${condition.toString()} did not hold within ${ceilingMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
