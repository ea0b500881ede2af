import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, migrateDatabase } from '../../src/db/index.js';
import { createPostgresRunStore } from '../../src/db/run-store/index.js';
import {
  createEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/embedded-postgres/index.js';
import { isProcessAlive } from '../../src/embedded-postgres/system-process.js';
import { noLogger } from '../../src/supervisor/ports/index.js';
import { postgresFromEnvironment } from './postgres-version.js';

let home: string;
/** Everything that a test started, stopped after it. */
let owned: EmbeddedPostgres[] = [];
beforeEach(async () => {
  home = await newHome();
});
afterEach(async () => {
  for (const postgres of owned) await postgres.stop();
  owned = [];
  await rm(home, { recursive: true, force: true });
});

async function newHome(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'runbeat-pg-'));
  await chmod(path, 0o711);
  return path;
}

/** A home whose database was made before, for tests of what comes after: making one takes seconds on a busy machine. */
let madeHome: string | null = null;
async function useMadeDatabase(): Promise<void> {
  if (madeHome === null) {
    madeHome = await newHome();
    const postgres = create({ home: madeHome });
    await postgres.start();
    await postgres.stop();
  }
  spawnSync('cp', ['-a', join(madeHome, 'db'), join(home, 'db')]);
}
afterAll(async () => {
  if (madeHome !== null) await rm(madeHome, { recursive: true, force: true });
});

function create(options: Partial<EmbeddedPostgresOptions> = {}): EmbeddedPostgres {
  const postgres = createEmbeddedPostgres({ home, logger: noLogger, ...postgresFromEnvironment(process.env), ...options });
  owned.push(postgres);
  return postgres;
}

async function query(connectionString: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A process of its own that has the database of the home, to be killed. */
async function startOwner(): Promise<{
  readonly owner: ChildProcess;
  readonly started: { readonly connectionString: string; readonly pid: number; readonly port: number };
}> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const owner = spawn(process.execPath, ['--import', tsx, 'test/fixtures/owns-embedded-postgres.ts', home], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    owner.stdout.setEncoding('utf8').once('data', resolve);
    owner.once('exit', (code) => reject(new RangeError(`the owner ended with ${code}`)));
  });
  return { owner, started: JSON.parse(line) as { connectionString: string; pid: number; port: number } };
}

describe('embedded PostgreSQL', () => {
  it('is made, keeps what was written over a restart, and shuts down whole', async () => {
    const postgres = create();
    const first = await postgres.start();
    expect(first).toMatchObject({ wasAdopted: false });
    expect(first.port).toBeLessThan(32_768);
    await query(first.connectionString, 'CREATE TABLE kept AS SELECT 42 AS answer');
    expect(await query(first.connectionString, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    await postgres.stop();
    await postgres.stop();
    expect(await isProcessAlive(first.pid)).toBe(false);
    const again = await create().start();
    expect(await query(again.connectionString, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect((await stat(join(home, 'db', 'password'))).mode & 0o777).toBe(0o600);
  });

  it('refuses a wrong password', async () => {
    await useMadeDatabase();
    const { connectionString } = await create().start();
    const url = new URL(connectionString);
    url.password = 'guessed';
    await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it.skipIf(process.env['RUNBEAT_TEST_DATABASE'])(
    'outlives its owner, is adopted with its open connections, and ends by itself only without an owner',
    async () => {
      await useMadeDatabase();
      const owner = spawn(
        process.execPath,
        [
          '--import',
          pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
          'test/fixtures/owns-embedded-postgres.ts',
          home,
        ],
        { cwd: join(import.meta.dirname, '..', '..'), stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const line = await new Promise<string>((resolve, reject) => {
        owner.stdout.setEncoding('utf8').once('data', resolve);
        owner.once('exit', (code) => reject(new RangeError(`the owner ended with ${code}`)));
      });
      const started = JSON.parse(line) as { connectionString: string; pid: number; port: number };
      const client = new pg.Client({ connectionString: started.connectionString });
      await client.connect();
      owner.kill('SIGKILL');
      await new Promise((resolve) => owner.once('exit', resolve));

      const successor = create({ beatMs: 500, orphanMs: 3_000 });
      const adopted = await successor.start();
      expect(adopted).toMatchObject({ wasAdopted: true, pid: started.pid, port: started.port });
      // The watchdog of the first owner would have ended it by now, if it counted only its own owner's beats.
      await client.query('SELECT pg_sleep(5)');
      await client.end();
      await successor.stop();
      expect(await isProcessAlive(started.pid)).toBe(false);

      // Once more, and nobody adopts it.
      const { owner: orphaned, started: orphan } = await startOwner();
      orphaned.kill('SIGKILL');
      await expect.poll(() => isProcessAlive(orphan.pid), { timeout: 40_000, interval: 200 }).toBe(false);
    },
  );

  it('that is killed is started again on the same port, and the pool goes on', async () => {
    await useMadeDatabase();
    const postgres = create();
    const { connectionString, pid } = await postgres.start();
    const database = createDatabase({ connectionString, logger: noLogger, connectTimeoutMs: 1_000 });
    await migrateDatabase(database);
    const store = createPostgresRunStore(database);
    const before = await store.databaseNow();
    process.kill(pid, 'SIGKILL');
    // Whatever is asked while it is away is refused with one code, and works again without a new pool.
    await expect
      .poll(
        () =>
          store
            .transaction(async (tx) => (await tx.countRunningByAgent([])).size)
            .then(
              () => 'works',
              (error: { code: unknown }) => error.code,
            ),
        { timeout: 30_000, interval: 50 },
      )
      .toBe('works');
    expect((await store.databaseNow()).getTime()).toBeGreaterThan(before.getTime());
    await database.close();
  });

  it('that is away makes transactions reject with database_unavailable, and they work when it is back', async () => {
    await useMadeDatabase();
    const postgres = create();
    const started = await postgres.start();
    const database = createDatabase({
      connectionString: started.connectionString,
      logger: noLogger,
      connectTimeoutMs: 1_000,
      maxConnections: 4,
    });
    await migrateDatabase(database);
    const store = createPostgresRunStore(database);
    let isInside = (): void => undefined;
    const inside = new Promise<void>((resolve) => (isInside = resolve));
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    // One in the middle of its work while the connection has no statement at work: the error has no statement to go to.
    const interrupted = store.transaction(async (tx) => {
      await tx.countRunningByAgent([]);
      isInside();
      await held;
      return tx.countRunningByAgent([]);
    });
    await inside;
    await postgres.stop();
    goOn();
    await expect(interrupted).rejects.toMatchObject({ code: 'database_unavailable' });
    const load = await Promise.allSettled(Array.from({ length: 40 }, () => store.countRuns()));
    expect(load.map((answer) => (answer.status === 'rejected' ? (answer.reason as { code: unknown }).code : 'answered'))).toEqual(
      Array.from({ length: 40 }, () => 'database_unavailable'),
    );
    await expect(store.transaction((tx) => tx.countRunningByAgent([]))).rejects.toMatchObject({ code: 'database_unavailable' });
    // Back on its old port, as a database of one's own would be.
    await create({ settings: { port: String(started.port) } }).start();
    expect(await store.countRuns()).toEqual({ queued: 0, running: 0, oldestQueuedAt: null });
    await database.close();
  });

  it('says with its own words why it does not start', async () => {
    await useMadeDatabase();
    const postgres = create({ settings: { shared_buffers: '1 elephant' } });
    await expect(postgres.start()).rejects.toMatchObject({
      code: 'database_start_failed',
      message: expect.stringMatching(/shared_buffers.*DATABASE_URL/s),
    });
  });

  it('does not touch the data of another major version', async () => {
    await mkdir(join(home, 'db', 'data'), { recursive: true });
    await writeFile(join(home, 'db', 'data', 'PG_VERSION'), '12\n');
    await expect(create().start()).rejects.toMatchObject({
      code: 'database_start_failed',
      message: expect.stringContaining('PostgreSQL 12'),
    });
    expect(await readFile(join(home, 'db', 'data', 'PG_VERSION'), 'utf8')).toBe('12\n');
  });

  it('begins anew after an initialisation that died half way', async () => {
    await mkdir(join(home, 'db', 'data.partial'), { recursive: true });
    await writeFile(join(home, 'db', 'data.partial', 'half'), 'x');
    const { connectionString } = await create().start();
    expect(await query(connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is not kept from starting by a pid file whose pid is another program by now', async () => {
    await useMadeDatabase();
    const postgres = create();
    await postgres.start();
    await postgres.stop();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    const pidFile = join(home, 'db', 'data', 'postmaster.pid');
    await writeFile(pidFile, `${stranger.pid}\n${join(home, 'db', 'data')}\n1\n5432\n\nlocalhost\n\nready\n`);
    const { pid } = await create().start();
    expect(pid).not.toBe(stranger.pid);
    expect(await isProcessAlive(Number(stranger.pid))).toBe(true);
    stranger.kill('SIGKILL');
  });

  it.runIf(process.getuid?.() === 0)('goes to /var/lib/runbeat when the database user cannot reach the home', async () => {
    const closed = join(home, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const inner = join(closed, 'home');
    await mkdir(inner);
    const { connectionString } = await create({ home: inner }).start();
    const [row] = (await query(connectionString, 'SHOW data_directory')) as { data_directory: string }[];
    expect(row?.data_directory).toMatch(/^\/var\/lib\/runbeat\/databases\//);
    for (const postgres of owned) await postgres.stop();
    await rm(join(String(row?.data_directory), '..'), { recursive: true });
  });

  it('does not leave processes behind', () => {
    const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(stdout.split('\n').filter((line) => line.includes(home) || line.includes('runbeat-pg-'))).toEqual([]);
  });
});
