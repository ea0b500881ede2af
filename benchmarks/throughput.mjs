// What the bookkeeping costs: no-op runs against graphile-worker jobs on the same PostgreSQL, the reaper's sweep over many
// runs, and how much is written for a run that just goes on.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@runbeat/server';
import { Logger, makeWorkerUtils, run as runGraphile } from 'graphile-worker';
import pg from 'pg';

/** Jobs at once, and callers that add them at once; the same on both sides. */
const CONCURRENCY = 32;
/** Connections on each side: the default of both. */
const CONNECTIONS = 10;
const anything = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } };

export default { title: 'runs against jobs, sweeps, and writes', run };

async function run({ scale }) {
  const home = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  const minuteMs = Math.max(2_000, Math.round(60_000 * scale));
  const server = createServer({
    settings: {
      home,
      port: 0,
      databasePoolSize: CONNECTIONS,
      logLevel: 'silent',
      supervisor: {
        maxConcurrentRuns: CONCURRENCY,
        // Sweeps are timed one by one, and a scaled run has a scaled minute.
        reapIntervalMs: 3_600_000,
        livenessRefreshThrottleMs: minuteMs,
      },
    },
    adapters: [noop, talker, elsewhere],
  });
  await server.start();
  const connectionString = await databaseUrl(home);
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
  // A connection that breaks while it is idle; the next query tells.
  pool.on('error', () => undefined);
  try {
    const [{ id: companyId }] = (await pool.query('SELECT id FROM companies')).rows;
    const bench = { server, pool, connectionString, companyId, scale, minuteMs };
    return [await runsPerSecond(bench), await writesPerMinute(bench), await sweep(bench)];
  } finally {
    await pool.end();
    await server.close();
    await rm(home, { recursive: true, force: true });
  }
}

const noop = {
  specVersion: 'adapter-v1',
  type: 'noop',
  configSchema: anything,
  hasOutOfProcessLiveness: false,
  execute: async () => ({ status: 'succeeded' }),
};

/** P3: added by as many callers as there are workers, until the last one is done. */
async function runsPerSecond({ server, pool, connectionString, companyId, scale }) {
  const count = Math.max(200, Math.round(3_000 * scale));
  const agentId = await createAgent(server, companyId, 'noop');
  const supervisor = server.supervisor();
  const rates = { runs: [], jobs: [] };
  let done = 0;
  let whenAll = () => undefined;
  const utils = await makeWorkerUtils({ connectionString });
  await utils.migrate();
  const graphile = await runGraphile({
    pgPool: pool,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    pollInterval: 1_000,
    logger: silentLogger(),
    taskList: {
      noop: async () => {
        done += 1;
        if (done === count) whenAll();
      },
    },
  });
  try {
    // The first round warms both up and does not count.
    for (let round = 0; round < 3; round += 1) {
      let begun = performance.now();
      await fromManyCallers(count, async () => {
        const { run } = await supervisor.enqueueWakeup({ companyId, agentId, source: 'on_demand', timeoutMs: 3_600_000 });
        return supervisor.whenSettled(run.id);
      });
      const runsMs = performance.now() - begun;
      done = 0;
      const all = new Promise((resolve) => {
        whenAll = resolve;
      });
      begun = performance.now();
      await fromManyCallers(count, () => utils.addJob('noop', {}));
      await all;
      const jobsMs = performance.now() - begun;
      if (round === 0) continue;
      rates.runs.push((count / runsMs) * 1_000);
      rates.jobs.push((count / jobsMs) * 1_000);
    }
  } finally {
    await graphile.stop();
    await utils.release();
  }
  const { rows } = await pool.query(`SELECT count(*)::int AS count FROM heartbeat_runs WHERE status = 'succeeded'`);
  if (rows[0].count !== count * 3) throw new Error(`${rows[0].count} runs of ${count * 3} succeeded`);
  const [value, baseline] = [Math.max(...rates.runs), Math.max(...rates.jobs)];
  return {
    id: 'P3',
    what: `no-op runs from wakeup to settled, ${CONCURRENCY} at once, against graphile-worker jobs`,
    value,
    baseline,
    unit: 'per s',
    ratio: value / baseline,
    goal: '≥ 0.5',
    isMet: value / baseline >= 0.5,
  };
}

/** Whoever waits for its own run keeps its place: never more than `CONCURRENCY` under way. */
async function fromManyCallers(count, call) {
  let left = count;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, caller));
}

/** A piece of output each second, of a minute that is as long as the scale says. */
let chunkEveryMs = 1_000;
const talker = {
  specVersion: 'adapter-v1',
  type: 'talker',
  configSchema: anything,
  hasOutOfProcessLiveness: true,
  outOfProcess: { kind: 'log-driven', terminate: async () => ({ stopped: 'already_gone' }) },
  async execute({ signal, onSpawn, onLog }) {
    await onSpawn({ kind: 'external', formatVersion: 1, ref: {} });
    while (!signal.aborted) {
      await onLog('stdout', 'a piece of output\n');
      await sleep(chunkEveryMs);
    }
    return { status: 'cancelled', forced: false };
  },
};

/** P5: rows written while the runs go on, less what the idle server writes in the same time. */
async function writesPerMinute({ server, pool, companyId, minuteMs }) {
  const agentId = await createAgent(server, companyId, 'talker');
  chunkEveryMs = minuteMs / 60;
  const writes = await countWrites(pool);
  try {
    const idle = await writes.during(minuteMs);
    const supervisor = server.supervisor();
    const ids = [];
    for (let index = 0; index < CONCURRENCY; index += 1) {
      const answer = await supervisor.enqueueWakeup({ companyId, agentId, source: 'on_demand', timeoutMs: 3_600_000 });
      ids.push(answer.run.id);
    }
    while (supervisor.activeRunIds().length < CONCURRENCY) await sleep(20);
    // The start is not what is asked about.
    await sleep(minuteMs);
    const busy = await writes.during(minuteMs);
    for (const id of ids) await supervisor.cancelRun(id, { reason: null, actor: { kind: 'system' } });
    await Promise.all(ids.map((id) => supervisor.whenSettled(id)));
    // Each renewed its proof of life, or nothing was counted.
    if (busy === 0) throw new Error('no write was counted');
    const value = (busy - idle) / CONCURRENCY;
    return {
      id: 'P5',
      what: `rows written per running run and minute (of ${minuteMs / 1_000} s) at 60 pieces of output in it, ${CONCURRENCY} runs`,
      value,
      baseline: null,
      unit: 'rows',
      ratio: null,
      goal: '≤ 1.1',
      isMet: value <= 1.1,
    };
  } finally {
    await writes.stop();
  }
}

/** Counts rows that are inserted, changed or deleted by anybody, while nothing is timed: by a sequence, which is never rolled back. */
async function countWrites(pool) {
  const tables = (await pool.query(`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`)).rows;
  await pool.query(`CREATE SEQUENCE bench_writes;
    CREATE FUNCTION bench_count_write() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('bench_writes'); RETURN NULL; END $$;
    ${tables.map(({ name }) => `CREATE TRIGGER bench_count AFTER INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION bench_count_write();`).join('')}`);
  const read = async () => {
    const [{ value, isCalled }] = (await pool.query(`SELECT last_value AS value, is_called AS "isCalled" FROM bench_writes`))
      .rows;
    return isCalled ? Number(value) : 0;
  };
  return {
    async during(ms) {
      const before = await read();
      await sleep(ms);
      return (await read()) - before;
    },
    stop: () => pool.query('DROP FUNCTION bench_count_write CASCADE; DROP SEQUENCE bench_writes'),
  };
}

/** Work of which nothing can be found out now. */
const elsewhere = {
  specVersion: 'adapter-v1',
  type: 'elsewhere',
  configSchema: anything,
  hasOutOfProcessLiveness: true,
  outOfProcess: {
    kind: 'handle',
    probe: async () => ({ state: 'unknown', retryAfterMs: 3_600_000, message: 'not now' }),
    reattach: async () => ({ status: 'succeeded' }),
    terminate: async () => ({ stopped: 'already_gone' }),
  },
  execute: ({ signal, onSpawn }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve({ status: 'detached' }));
      onSpawn({ kind: 'external', formatVersion: 1, ref: {} }).catch(reject);
    }),
};

/** P4: the same ten suspects among few and among many running runs. */
async function sweep({ server, pool, companyId, scale }) {
  const many = Math.max(5_000, Math.round(100_000 * scale));
  const agentId = await createAgent(server, companyId, 'elsewhere');
  const supervisor = server.supervisor();
  const { run } = await supervisor.enqueueWakeup({ companyId, agentId, source: 'on_demand' });
  while ((await pool.query('SELECT handle FROM heartbeat_runs WHERE id = $1', [run.id])).rows[0].handle === null) await sleep(20);
  const fill = (count) =>
    pool.query(
      `INSERT INTO heartbeat_runs SELECT (jsonb_populate_record(pattern, jsonb_build_object(
         'id', gen_random_uuid(), 'insertion_id', nextval('heartbeat_runs_insertion_id_seq'), 'updated_at', now(),
         'next_probe_at', NULL))).*
       FROM heartbeat_runs pattern, generate_series(1, $2::int) WHERE pattern.id = $1`,
      [run.id, count],
    );
  // Nobody's any more, as after the death of their owner.
  const suspect = () =>
    pool.query(
      `UPDATE heartbeat_runs SET updated_at = now() - interval '10 minutes', owner_instance_id = NULL
       WHERE id = ANY (ARRAY(SELECT id FROM heartbeat_runs WHERE status = 'running' AND id <> $1 ORDER BY insertion_id LIMIT 10))`,
      [run.id],
    );
  const timed = async (count) => {
    await fill(count);
    await pool.query('VACUUM ANALYZE heartbeat_runs');
    const spans = [];
    for (let round = 0; round < 15; round += 1) {
      const { rowCount } = await suspect();
      if (rowCount !== 10) throw new Error(`${rowCount} suspects instead of 10`);
      const begun = performance.now();
      await supervisor.reapOrphanedRuns();
      spans.push(performance.now() - begun);
      const { rows } = await pool.query(
        `SELECT count(*)::int AS asked FROM heartbeat_runs WHERE status = 'running' AND next_probe_at > now()`,
      );
      if (rows[0].asked !== 10) throw new Error(`the sweep asked about ${rows[0].asked} runs instead of 10`);
      await pool.query(
        `UPDATE heartbeat_runs SET updated_at = now(), next_probe_at = NULL, unknown_since = NULL, owner_instance_id = $1
         WHERE next_probe_at > now()`,
        [server.instanceId()],
      );
    }
    return median(spans.slice(3));
  };
  const baseline = await timed(1_000);
  const value = await timed(many - 1_000);
  // Not the server's to look after any more: it would take them over at its end.
  await pool.query(`DELETE FROM heartbeat_runs WHERE status = 'running' AND id <> $1`, [run.id]);
  return {
    id: 'P4',
    what: `a sweep with 10 suspects among ${many} running runs, median, against 1000`,
    value,
    baseline,
    unit: 'ms',
    ratio: value / baseline,
    goal: '≤ 1.5',
    isMet: value / baseline <= 1.5,
  };
}

async function createAgent(server, companyId, adapterType) {
  const response = await fetch(`${server.url}/api/companies/${companyId}/agents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: adapterType, adapterType, runtimeConfig: { heartbeat: { maxConcurrentRuns: CONCURRENCY } } }),
  });
  if (!response.ok) throw new Error(`no agent: ${await response.text()}`);
  return (await response.json()).id;
}

/** The server's own PostgreSQL. */
async function databaseUrl(home) {
  const password = (await readFile(join(home, 'db', 'password'), 'utf8')).trim();
  const port = (await readFile(join(home, 'db', 'data', 'postmaster.pid'), 'utf8')).split('\n')[3];
  return `postgresql://runbeat:${password}@127.0.0.1:${port}/postgres`;
}

const silentLogger = () =>
  new Logger(() => (level, message) => {
    if (level === 'error') console.error(message);
  });

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
