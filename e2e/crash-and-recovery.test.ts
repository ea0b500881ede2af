import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, processesWith, waitUntil } from './harness/processes.js';
import {
  countedLines,
  readLog,
  shareTestServer,
  startTestServer,
  textOf,
  untilEnded,
  untilLines,
  untilRun,
} from './harness/test-server.js';

/** Every line from 1 to the last one, once and in order, and the last one says that it is the end. */
function expectWhole(text: string): void {
  const numbers = countedLines(text);
  expect(numbers).toEqual(oneTo(numbers.length));
  expect(text.endsWith(' end\n')).toBe(true);
}

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('a server that is killed', () => {
  it('C1 leaves a printing child at work, and the next one stores every byte once and the true exit code', async () => {
    const server = await startTestServer();
    const stop = join(server.home, 'stop');
    const run = await server.wake(await server.agent('counts-until.mjs', [stop, '10', '3']));
    await untilLines(server.client, run.id, 20);
    const { processPid } = await server.client.runs.get(run.id);
    await server.kill();
    expect(isAlive(processPid ?? 0)).toBe(true);
    const next = await server.restart();
    await untilRun(next.client, run.id, ({ phase }) => phase === 'attached');
    await writeFile(stop, '');
    const ended = await untilEnded(next.client, run.id);
    expect(ended).toMatchObject({ status: 'failed', errorCode: 'exit_nonzero', exitCode: 3, attempt: 1, retryOfRunId: null });
    expectWhole(textOf(await readLog(next.client, run.id)));
  });

  it('C1 finds the true end of a run that ended while no server was there', async () => {
    const server = await startTestServer();
    const stop = join(server.home, 'stop');
    const run = await server.wake(await server.agent('counts-until.mjs', [stop, '20']));
    await untilLines(server.client, run.id, 3);
    const { processPid } = await server.client.runs.get(run.id);
    await server.kill();
    await writeFile(stop, '');
    await waitUntil(
      () => !isAlive(processPid ?? 0),
      30_000,
      () => 'the run to end alone',
    );
    const next = await server.restart();
    expect(await untilEnded(next.client, run.id)).toMatchObject({ status: 'succeeded', exitCode: 0 });
    expectWhole(textOf(await readLog(next.client, run.id)));
  });

  it('C2 finds a silent child again: its deadline holds and a cancel reaches it', async () => {
    const server = await startTestServer();
    const limited = await server.wake(
      await server.agent('silent.mjs', ['60000'], { graceMs: 500 }, { limits: { timeoutMs: 15_000 } }),
    );
    const cancelled = await server.wake(await server.agent('silent.mjs', ['60000'], { graceMs: 500 }));
    const runs = await Promise.all(
      [limited, cancelled].map((run) => untilRun(server.client, run.id, ({ processPid }) => processPid !== null)),
    );
    await server.kill();
    const next = await server.restart();
    await untilRun(next.client, cancelled.id, ({ phase }) => phase === 'attached');
    await next.client.runs.cancel(cancelled.id, { reason: 'enough' });
    expect(await untilEnded(next.client, cancelled.id)).toMatchObject({ status: 'cancelled' });
    expect(await untilEnded(next.client, limited.id)).toMatchObject({ status: 'timed_out' });
    for (const run of runs) expect(isAlive(run.processPid ?? 0)).toBe(false);
  });

  it('C3 ten times in one run still gives one run, one execution and a complete log', async () => {
    const server = await startTestServer();
    const executions = join(server.home, 'executions');
    const stop = join(server.home, 'stop');
    const run = await server.wake(await server.agent('counts-until.mjs', [stop, '20'], { env: { EXECUTIONS_FILE: executions } }));
    let current = server;
    let lines = 5;
    for (let kill = 0; kill < 10; kill += 1) {
      await untilLines(current.client, run.id, lines);
      await current.kill();
      current = await current.restart();
      lines = countedLines(textOf(await readLog(current.client, run.id))).length + 3;
    }
    await writeFile(stop, '');
    expect(await untilEnded(current.client, run.id)).toMatchObject({ status: 'succeeded', exitCode: 0, attempt: 1 });
    expectWhole(textOf(await readLog(current.client, run.id)));
    expect((await readFile(executions, 'utf8')).trim().split('\n')).toHaveLength(1);
    expect((await current.client.runs.list(current.companyId)).items).toHaveLength(1);
  }, 240_000);

  it('C4 by SIGTERM ends within its limit, and its runs go on and are picked up', async () => {
    const server = await startTestServer();
    const stop = join(server.home, 'stop');
    const run = await server.wake(await server.agent('counts-until.mjs', [stop, '20']));
    await untilLines(server.client, run.id, 5);
    const { processPid } = await server.client.runs.get(run.id);
    const { code, tookMs } = await server.terminate();
    expect(code).toBe(0);
    // The promise is two seconds; the ceiling leaves room for a machine that does other things too.
    expect(tookMs).toBeLessThan(5_000);
    expect(isAlive(processPid ?? 0)).toBe(true);
    const next = await server.restart();
    await writeFile(stop, '');
    expect(await untilEnded(next.client, run.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expectWhole(textOf(await readLog(next.client, run.id)));
  });
});

describe('a child', () => {
  const shared = shareTestServer();

  it('C5 that ends without reading a 1 MiB prompt gives its own exit code and does the server no harm', async () => {
    const server = shared();
    const prompt = 'x'.repeat(1_048_576);
    for (const adapterType of ['local', 'local-attached']) {
      const agent = await server.client.agents.create(server.companyId, {
        name: adapterType,
        adapterType,
        adapterConfig: {
          command: process.execPath,
          args: [new URL('./fixtures/exits-without-reading.mjs', import.meta.url).pathname],
          stdin: '{{prompt}}',
        },
      });
      const run = await server.wake(agent.id, { source: 'on_demand', prompt });
      expect(await untilEnded(server.client, run.id)).toMatchObject({ status: 'failed', errorCode: 'exit_nonzero', exitCode: 4 });
      expect(textOf(await readLog(server.client, run.id), 'stderr')).toBe('I do not read\n');
    }
    expect(server.child.exitCode).toBeNull();
    expect(server.output()).not.toContain('EPIPE');
  });

  it('C7 that ignores SIGTERM is gone, with a grandchild that left its group, before its run says cancelled', async () => {
    const server = shared();
    const cookie = randomUUID();
    const run = await server.wake(await server.agent('ignores-sigterm.mjs', [], { graceMs: 500, env: { COOKIE: cookie } }));
    await waitUntil(
      async () => textOf(await readLog(server.client, run.id)).includes('ready') && processesWith(cookie).length >= 3,
      30_000,
      () => 'the tree',
    );
    await server.client.runs.cancel(run.id);
    const ended = await untilEnded(server.client, run.id);
    expect(processesWith(cookie)).toEqual([]);
    expect(ended.status).toBe('cancelled');
  });

  it('C8 that leaves a grandchild holding stdout ends after a bounded drain, and the log says so', async () => {
    const server = shared();
    const run = await server.wake(await server.agent('leaves-a-grandchild.mjs'));
    expect(await untilEnded(server.client, run.id)).toMatchObject({ status: 'succeeded', exitCode: 0 });
    const records = await readLog(server.client, run.id);
    const events = await server.client.runs.events(run.id);
    expect(textOf(records)).toBe('done\n');
    expect(`${textOf(records, 'system')}${JSON.stringify(events)}`).toMatch(/still|open|left|descendant|grandchild/i);
  });

  it('C9 that splits characters over writes is stored exactly', async () => {
    const server = shared();
    const run = await server.wake(await server.agent('splits-characters.mjs'));
    await untilEnded(server.client, run.id);
    expect(textOf(await readLog(server.client, run.id))).toBe('å€😀 – žluťoučký kůň – 漢字\n'.repeat(20));
  });
});

describe('two servers', () => {
  it('C21 on one home folder: the second refuses and names the first, which goes on', async () => {
    const first = await startTestServer();
    await expect(startTestServer({ home: first.home })).rejects.toThrow(String(first.pid));
    expect((await first.client.health.live()).status).toBe('ok');
  });

  it('C21 one after the other: a server restarted after kill -9 adopts the database that lives on', async () => {
    const server = await startTestServer();
    const postmaster = async (): Promise<string> =>
      (await readFile(join(server.home, 'db', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0] ?? '';
    const before = await postmaster();
    await server.kill();
    const next = await server.restart();
    expect(await postmaster()).toBe(before);
    expect((await next.client.companies.list()).items).toHaveLength(1);
  });
});
