import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitUntil } from './harness/processes.js';
import { startTestDatabase, type TestDatabase } from './harness/test-database.js';
import {
  countedLines,
  createTestHome,
  fixture,
  readLog,
  startTestServer,
  type TestServer,
  textOf,
  untilEnded,
  untilLines,
  untilRun,
} from './harness/test-server.js';

const quick = {
  RUNBEAT_INSTANCE_LEASE_MS: '3000',
  RUNBEAT_INSTANCE_RENEW_MS: '1000',
  RUNBEAT_REAP_INTERVAL_MS: '1000',
};

async function createTestDatabase(): Promise<TestDatabase> {
  const database = await startTestDatabase(await createTestHome());
  onTestFinished(() => database.close());
  return database;
}

const startInstance = (database: TestDatabase, environment: Record<string, string> = {}): Promise<TestServer> =>
  startTestServer({
    environment: {
      ...quick,
      DATABASE_URL: database.url,
      RUNBEAT_LOG_STORE: JSON.stringify({ kind: 'postgres' }),
      ...environment,
    },
  });

/** A program that counts until the file exists, and leaves a mark per execution. */
async function startCounting(server: TestServer): Promise<{ id: string; stop: string; marks: string; agentId: string }> {
  const name = Math.random().toString(36).slice(2);
  const [stop, marks] = [join(server.home, `stop-${name}`), join(server.home, `marks-${name}`)];
  const agentId = await server.agent('counts-until.mjs', [stop, '50'], { env: { EXECUTIONS_FILE: marks } });
  return { id: (await server.wake(agentId)).id, stop, marks, agentId };
}

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean);

async function expectWholeOnce(server: TestServer, run: { id: string; marks: string }): Promise<void> {
  const text = textOf(await readLog(server.client, run.id));
  const numbers = countedLines(text);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(text).toMatch(/ end\n$/);
  expect(await linesOf(run.marks)).toHaveLength(1);
}

const touch = (path: string): Promise<void> => writeFile(path, '');

describe('two servers on one database', () => {
  it('C20 of which one is killed: the other takes its runs over, and each is executed once', async () => {
    const database = await createTestDatabase();
    const [first, second] = [await startInstance(database), await startInstance(database)];
    const runs = [await startCounting(first), await startCounting(first), await startCounting(second)];
    for (const run of runs) await untilLines(first.client, run.id, 3);
    await first.kill();
    const killedAt = performance.now();
    await waitUntil(
      async () => {
        const [attached] = await database.query<{ runs: number; owners: number }>(
          `SELECT count(*)::int AS runs, count(DISTINCT owner_instance_id)::int AS owners
           FROM heartbeat_runs WHERE status = 'running' AND phase = 'attached'`,
        );
        return attached?.runs === 3 && attached.owners === 1;
      },
      30_000,
      () => 'the survivor to have all three runs',
    );
    // The lease of 3 s and a sweep of 1 s; the rest is for a machine that does other things too.
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    for (const run of runs) await touch(run.stop);
    for (const run of runs) {
      expect(await untilEnded(second.client, run.id)).toMatchObject({ status: 'succeeded', attempt: 1, retryOfRunId: null });
      await expectWholeOnce(second, run);
    }
  }, 180_000);

  it.each([
    ['in the same order', [0, 1]],
    ['in the other order', [1, 0]],
  ])(
    'C20 that are both killed and restarted %s execute each run once',
    async (_order, order) => {
      const database = await createTestDatabase();
      const servers = [await startInstance(database), await startInstance(database)];
      const runs = await Promise.all(servers.map(startCounting));
      for (const [index, run] of runs.entries()) await untilLines(servers[index]?.client as TestServer['client'], run.id, 3);
      await Promise.all(servers.map((server) => server.kill()));
      let last: TestServer | undefined;
      for (const index of order) last = await servers[index]?.restart();
      if (!last) throw new Error('no server was restarted');
      const { client } = last;
      for (const run of runs) await untilRun(client, run.id, ({ phase }) => phase === 'attached');
      for (const run of runs) await touch(run.stop);
      for (const run of runs) {
        expect(await untilEnded(client, run.id)).toMatchObject({ status: 'succeeded', attempt: 1, retryOfRunId: null });
        await expectWholeOnce(last, run);
      }
      const { items } = await client.runs.list(last.companyId);
      expect(items).toHaveLength(2);
    },
    180_000,
  );
});

describe('a database that does not answer', () => {
  it('C22 for longer than the lease, under load, loses no run and no byte, and no status is wrong', async () => {
    const database = await createTestDatabase();
    const server = await startInstance(database);
    const runs = [await startCounting(server), await startCounting(server), await startCounting(server)];
    for (const run of runs) await untilLines(server.client, run.id, 3);
    database.freeze();
    // Time itself is the case: it must be longer than the lease, so that the server has lost its claim to the runs.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(server.child.exitCode).toBeNull();
    database.thaw();
    for (const run of runs) await untilRun(server.client, run.id, ({ phase }) => phase === 'attached', 60_000);
    for (const run of runs) await touch(run.stop);
    for (const run of runs) {
      expect(await untilEnded(server.client, run.id, 60_000)).toMatchObject({ status: 'succeeded', attempt: 1 });
      await expectWholeOnce(server, run);
    }
    expect((await server.client.runs.list(server.companyId)).items).toHaveLength(3);
    expect(server.child.exitCode).toBeNull();
  }, 180_000);
});

const withDeeds = { ...quick, RUNBEAT_ADAPTERS: JSON.stringify([fixture('deeds-adapter')]) };

describe('a run that kills its host', () => {
  it('C24 is stopped after two deaths, and the server stays up', async () => {
    const server = await startTestServer({ environment: withDeeds });
    const marks = join(server.home, 'marks');
    const died = (each: TestServer): Promise<unknown> => new Promise((resolve) => each.child.once('exit', resolve));
    const agent = await server.client.agents.create(server.companyId, {
      name: 'poison',
      adapterType: 'deeds',
      adapterConfig: { deed: 'kill-host', marks },
    });
    const firstDeath = died(server);
    // The answer may be lost with the server; the wake is not.
    const asked = server.client.agents.wakeup(agent.id, { source: 'on_demand' }).catch(() => null);
    await firstDeath;
    await asked;
    const { client, companyId } = await survivorOf(server);
    const { items } = await client.runs.list(companyId);
    await untilEnded(client, items[0]?.id ?? '');
    const runs = (await client.runs.list(companyId)).items;
    expect(runs.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['failed', 'adapter_crashed'],
      ['failed', 'process_lost'],
    ]);
    expect(await linesOf(marks)).toHaveLength(2);
  }, 180_000);
});

/** Restarts until a server lives that has given the run up. */
async function survivorOf(server: TestServer): Promise<TestServer> {
  for (let start = 0; start < 4; start += 1) {
    const next = await server.restart().catch(() => null);
    const isDead = (): boolean => next === null || next.child.exitCode !== null || next.child.signalCode !== null;
    const hasGivenUp = async (): Promise<boolean> =>
      (await next?.client.runs.list(next.companyId).catch(() => null))?.items.some(
        ({ errorCode }) => errorCode === 'adapter_crashed',
      ) ?? false;
    await waitUntil(
      async () => isDead() || (await hasGivenUp()),
      60_000,
      () => 'the run to be given up, or to kill the server again',
    );
    if (next && !isDead()) return next;
  }
  throw new Error('the run goes on killing the server');
}

describe('an agent whose adapter is not there', () => {
  it('C18 is shown unavailable, its run waits and says why, and runs when the adapter is back', async () => {
    const server = await startTestServer({ environment: withDeeds });
    const marks = join(server.home, 'marks');
    const { id } = await server.client.agents.create(server.companyId, {
      name: 'waits',
      adapterType: 'deeds',
      adapterConfig: { deed: 'succeed', marks },
    });
    expect(await server.client.agents.get(id)).toMatchObject({ adapterState: 'ready' });
    await server.terminate();
    const without = await server.restart({ environment: quick });
    expect(await without.client.agents.get(id)).toMatchObject({ adapterState: 'missing', adapterType: 'deeds' });
    const run = await without.wake(id);
    // The other adapters work meanwhile: the waiting run is passed by, not waited for.
    const other = await without.wake(await without.agent('exits-without-reading.mjs'));
    await untilEnded(without.client, other.id);
    expect(await without.client.runs.get(run.id)).toMatchObject({ status: 'queued', adapterType: 'deeds', attempt: 0 });
    const { explanations } = await without.client.runs.why(run.id);
    expect(explanations.map(({ sentence }) => sentence).join('\n')).toMatch(/adapter.*deeds|deeds.*adapter/i);
    expect(await linesOf(marks)).toEqual([]);
    await without.terminate();
    const back = await server.restart();
    expect(await untilEnded(back.client, run.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(await linesOf(marks)).toEqual([run.id]);
  }, 180_000);
});
