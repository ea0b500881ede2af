import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, processesWith, waitUntil } from '../harness/processes.js';
import { startTestDatabase, type TestDatabase } from '../harness/test-database.js';
import { fixture, startTestServer, type TestServer } from '../harness/test-server.js';
import { type Blow, type ChaosPlan, firstKinds, type PlannedWork } from './plan-chaos.js';

/** What is left when the last run is settled; two servers are up again. */
export interface ChaosWorld {
  readonly folder: string;
  readonly database: TestDatabase;
  readonly servers: readonly TestServer[];
  /** What each agent was told to do; every piece of work has an agent of its own. */
  readonly workOfAgent: ReadonlyMap<string, PlannedWork>;
  /** Runs whose processes were killed on purpose: they may stop early. */
  readonly struckRuns: ReadonlySet<string>;
  readonly counts: Readonly<Record<Blow['kind'], number>>;
}

export interface ChaosOptions {
  readonly folder: string;
  readonly servers: number;
  /** All runs must be settled within this, from the start of the work. */
  readonly limitMs: number;
}

interface PreparedWork {
  readonly work: PlannedWork;
  readonly agentId: string;
  readonly issueId: string | null;
}

const markFolder = (folder: string): string => join(folder, 'marks');
export const homeOf = (folder: string, index: number): string => join(folder, `server-${index}`);

export async function runChaos(plan: ChaosPlan, options: ChaosOptions): Promise<ChaosWorld> {
  const { folder } = options;
  await mkdir(markFolder(folder), { recursive: true });
  const database = await startTestDatabase(join(folder, 'database'));
  const environment = {
    DATABASE_URL: database.url,
    RUNBEAT_LOG_STORE: JSON.stringify({ kind: 'postgres' }),
    RUNBEAT_INSTANCE_LEASE_MS: '4000',
    RUNBEAT_INSTANCE_RENEW_MS: '1000',
    RUNBEAT_REAP_INTERVAL_MS: '1000',
    RUNBEAT_TRANSIENT_RETRY_DELAYS_MS: '[300,600]',
    RUNBEAT_MAX_CONCURRENT_RUNS: '12',
  };
  const servers: TestServer[] = [];
  for (let index = 0; index < options.servers; index += 1)
    servers.push(await startTestServer({ home: homeOf(folder, index), environment }));
  const prepared: PreparedWork[] = [];
  for (const [index, work] of plan.work.entries()) {
    const server = servers[index % servers.length];
    if (server) prepared.push(await prepareWork(server, work, markFolder(folder)));
  }
  const struckRuns = new Set<string>();
  const counts: Record<Blow['kind'], number> = { server: 0, child: 0, connections: 0 };

  const strike = async (blow: Blow): Promise<void> => {
    switch (blow.kind) {
      case 'server': {
        const server = servers[blow.index];
        if (!server) return;
        await (blow.signal === 'SIGKILL' ? server.kill() : server.terminate());
        await pause(blow.downMs);
        servers[blow.index] = await server.restart();
        break;
      }
      case 'child':
        if (!(await strikeChild(database, blow, struckRuns))) return;
        break;
      case 'connections': {
        const pids = await database.backends();
        await database.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [
          pids.slice(0, Math.ceil(pids.length * blow.share)),
        ]);
      }
    }
    counts[blow.kind] += 1;
  };

  let isAllStarted = false;
  const startAll = async (): Promise<void> => {
    for (const [index, each] of prepared.entries()) {
      await pause(each.work.delayMs);
      await startWork(() => servers[index % servers.length], each);
    }
    isAllStarted = true;
  };
  const strikeAll = async (): Promise<void> => {
    for (const [index, { delayMs, blow }] of plan.blows.entries()) {
      await pause(delayMs);
      // Later blows would hit nothing; the first ones are each of a kind, and every plan has them.
      if (index >= firstKinds.length && isAllStarted && (await openRuns(database))?.length === 0) return;
      await strike(blow);
    }
  };
  await Promise.all([startAll(), strikeAll()]);
  await untilQuiet(database, options.limitMs);
  const workOfAgent = new Map(prepared.map(({ agentId, work }) => [agentId, work]));
  return { folder, database, servers, workOfAgent, struckRuns, counts };
}

/** An agent of its own for a piece of work, and an issue that nobody has yet. Before the first blow. */
async function prepareWork({ client, companyId }: TestServer, work: PlannedWork, marks: string): Promise<PreparedWork> {
  const agent = await client.agents.create(companyId, {
    name: `chaos-${Math.random().toString(36).slice(2)}`,
    adapterType: work.adapterType,
    adapterConfig: {
      command: '/bin/sh',
      args: [fixture('chaos-work.sh'), marks, String(work.lines), work.pauseS, String(work.exitCode), work.grandchild],
      graceMs: 500,
    },
  });
  const issue = work.isIssue ? await client.issues.create(companyId, { title: 'chaos', status: 'todo' }) : null;
  return { work, agentId: agent.id, issueId: issue?.id ?? null };
}

/** Asks again, which changes nothing more, until a server that lives has answered. */
async function startWork(serverNow: () => TestServer | undefined, { agentId, issueId }: PreparedWork): Promise<void> {
  const begun = performance.now();
  for (;;) {
    try {
      const client = serverNow()?.client;
      if (issueId !== null) await client?.issues.update(issueId, { assigneeAgentId: agentId });
      else await client?.agents.wakeup(agentId, { source: 'on_demand', idempotencyKey: agentId });
      return;
    } catch (error) {
      if (performance.now() - begun > 60_000) throw error;
      await pause(100);
    }
  }
}

/** Kills of a running run the program, or the shell around it that keeps its record. False when nothing is running. */
async function strikeChild(
  database: TestDatabase,
  blow: Extract<Blow, { kind: 'child' }>,
  struckRuns: Set<string>,
): Promise<boolean> {
  const running = await runningWork(database);
  const victim = running[Math.floor(blow.pick * running.length)];
  if (!victim) return false;
  const members = processesWith(`RUNBEAT_RUN_ID=${victim.id}`);
  // Leader first: a program that dies first would let it note a true end.
  const targets = [
    ...(blow.victim === 'command' ? [] : members.filter((pid) => pid === victim.leader)),
    ...(blow.victim === 'capsule' ? [] : members.filter((pid) => pid !== victim.leader)),
  ];
  if (targets.length === 0) return false;
  struckRuns.add(victim.id);
  for (const pid of targets) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  return true;
}

/** Asked for a few seconds, since between two pieces of work nothing may be running. */
async function runningWork(database: TestDatabase): Promise<{ id: string; leader: number }[]> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const rows = await database
      .query<{ id: string; leader: number }>(
        `SELECT id, process_pid AS leader FROM heartbeat_runs
         WHERE status = 'running' AND phase = 'attached' AND process_pid IS NOT NULL ORDER BY id`,
      )
      // Its connection may have been the last blow's.
      .catch(() => []);
    if (rows.length > 0) return rows;
    await pause(100);
  }
  return [];
}

/** Nothing is queued or running, and for some sweeps nobody thinks that something should be. */
async function untilQuiet(database: TestDatabase, limitMs: number): Promise<void> {
  let quietSince: number | null = null;
  let open: OpenRun[] | null = null;
  await waitUntil(
    async () => {
      open = await openRuns(database);
      const isQuiet = open?.length === 0;
      quietSince = isQuiet ? (quietSince ?? performance.now()) : null;
      await pause(200);
      return quietSince !== null && performance.now() - quietSince > 3_500;
    },
    limitMs,
    () => `the last runs to settle; open are ${JSON.stringify(open)}`,
  );
}

type OpenRun = Record<string, unknown>;

/** Some of them, for a message; null = could not be asked now. */
function openRuns({ query }: TestDatabase): Promise<OpenRun[] | null> {
  return query(
    `SELECT id, status, phase, adapter_type, not_before, error_code, owner_instance_id, process_pid
     FROM heartbeat_runs WHERE status IN ('queued', 'running') ORDER BY created_at LIMIT 5`,
  ).catch(() => null);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
