import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type RunbeatClient } from '@runbeat/client';
import type { HeartbeatRun, LogRecord } from '@runbeat/protocol';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { endDatabase } from './end-database.js';
import { endProcessesOf, waitUntil } from './processes.js';

/** The built command. */
export const runbeatCommand = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url));
export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

export interface TestServerOptions {
  readonly home?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes what ends the server and its home; by default the end of the test does it. */
  readonly atEnd?: AtEnd;
}

/** Registers a cleanup; the last one registered is called first. */
export type AtEnd = (cleanup: () => Promise<void>) => void;

/** A real `runbeat serve` in a throw-away home. Ended, with its database, when the test is over. */
export interface TestServer {
  readonly home: string;
  readonly url: string;
  readonly pid: number;
  readonly client: RunbeatClient;
  readonly companyId: string;
  readonly child: ChildProcess;
  /** What the server wrote to stdout and stderr. */
  readonly output: () => string;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code and how long it took. */
  terminate(): Promise<{ readonly code: number | null; readonly tookMs: number }>;
  /** A new process on the same home and port. */
  restart(options?: TestServerOptions): Promise<TestServer>;
  /** An agent of the local adapter that runs a fixture program with Node. */
  agent(program: string, args?: readonly string[], config?: Record<string, unknown>, runtimeConfig?: object): Promise<string>;
  wake(agentId: string, body?: Parameters<RunbeatClient['agents']['wakeup']>[1]): Promise<HeartbeatRun>;
}

const readyLimitMs = 90_000;

export async function createTestHome(atEnd: AtEnd = onTestFinished): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'runbeat-e2e-'));
  atEnd(async () => {
    await endDatabase(home);
    await endProcessesOf(home);
    await rm(home, { recursive: true, force: true });
  });
  return home;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  return launch(options.home ?? (await createTestHome(options.atEnd)), 0, options);
}

/**
 * One server for the tests of a file (or `describe`) that neither kill it nor count what is in it: a first start, with a
 * database of its own, costs seconds. Returns how to get at it in a test.
 */
export function shareTestServer(options: Omit<TestServerOptions, 'home' | 'atEnd'> = {}): () => TestServer {
  const cleanups: (() => Promise<void>)[] = [];
  let server: TestServer | null = null;
  beforeAll(async () => {
    server = await startTestServer({ ...options, atEnd: (cleanup) => void cleanups.unshift(cleanup) });
  });
  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup();
  });
  return () => {
    if (!server) throw new Error('the shared server is started before the first test, not while tests are collected');
    return server;
  };
}

async function launch(home: string, port: number, options: TestServerOptions): Promise<TestServer> {
  const environment = { ...process.env, RUNBEAT_HOME: home, RUNBEAT_LOG_LEVEL: 'warn', ...options.environment };
  const child = spawn(process.execPath, [runbeatCommand, '--json', 'serve', '--port', String(port), ...(options.args ?? [])], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  child.stderr.on('data', (data) => (text += data));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const atEnd = options.atEnd ?? onTestFinished;
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
    }
  });
  await waitUntil(
    () => text.includes('"listening"') || child.exitCode !== null || child.signalCode !== null,
    readyLimitMs,
    () => `the server to listen; it said: ${text}`,
  );
  const line = text.split('\n').find((each) => each.includes('"listening"'));
  if (!line) throw new Error(`the server did not start: ${text}`);
  const { url } = JSON.parse(line) as { url: string };
  const client = createClient({ baseUrl: url });
  const companyId = await client.companies.list().then(
    ({ items }) => items[0]?.id ?? '',
    () => '',
  );
  const server: TestServer = {
    home,
    url,
    pid: child.pid ?? 0,
    client,
    companyId,
    child,
    output: () => text,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async terminate() {
      const started = performance.now();
      child.kill('SIGTERM');
      const code = await exited;
      return { code, tookMs: performance.now() - started };
    },
    restart: (again = {}) => launch(home, Number(new URL(url).port), { ...options, ...again }),
    async agent(program, args = [], config = {}, runtimeConfig = {}) {
      const agent = await client.agents.create(companyId, {
        name: `agent-${Math.random().toString(36).slice(2)}`,
        adapterType: 'local',
        adapterConfig: {
          command: process.execPath,
          args: [program.includes('/') ? program : fixture(program), ...args],
          ...config,
        },
        runtimeConfig,
      });
      return agent.id;
    },
    async wake(agentId, body = { source: 'on_demand' }) {
      const { run } = await client.agents.wakeup(agentId, body);
      if (!run) throw new Error('the wake queued no run');
      return run;
    },
  };
  return server;
}

export const isEnded = (run: Pick<HeartbeatRun, 'status'>): boolean => run.status !== 'queued' && run.status !== 'running';

/** Resolves when the run is as wanted; fails with what it was instead. */
export async function untilRun(
  client: RunbeatClient,
  runId: string,
  is: (run: HeartbeatRun) => boolean,
  limitMs = 30_000,
): Promise<HeartbeatRun> {
  let run = await client.runs.get(runId);
  await waitUntil(
    async () => {
      run = await client.runs.get(runId);
      return is(run);
    },
    limitMs,
    () => `run ${runId}; it is ${JSON.stringify(run)}`,
  );
  return run;
}

export const untilEnded = (client: RunbeatClient, runId: string, limitMs = 60_000): Promise<HeartbeatRun> =>
  untilRun(client, runId, isEnded, limitMs);

/** The whole log as it is stored, page by page. */
export async function readLog(client: RunbeatClient, runId: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let offset = 0;
  for (;;) {
    const page = await client.runs.log(runId, { offset, limitBytes: 1_000_000 });
    records.push(...page.records);
    if (page.nextOffset >= page.endOffset) return records;
    offset = page.nextOffset;
  }
}

export const textOf = (records: readonly LogRecord[], stream: LogRecord['stream'] = 'stdout'): string =>
  records
    .filter((record) => record.stream === stream)
    .map((record) => record.text)
    .join('');

/** Resolves when the stored log holds this many lines of stdout. */
export async function untilLines(client: RunbeatClient, runId: string, lines: number): Promise<void> {
  await waitUntil(
    async () => textOf(await readLog(client, runId)).split('\n').length > lines,
    30_000,
    () => `${lines} lines of run ${runId}`,
  );
}

/** Numbers at the beginning of the lines, for programs that count. */
export const countedLines = (text: string): number[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => Number.parseInt(line, 10));
