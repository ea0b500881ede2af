import { type ChildProcess, spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { patience } from '../../harness/processes.js';

const bin = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url));

/** A real `runbeat serve`, which can be killed, stopped and started again over the same home and port. */
export interface ServeProcess {
  readonly url: string;
  readonly home: string;
  readonly port: number;
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  end(name?: NodeJS.Signals): Promise<void>;
  api<Answer = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Answer>;
  /** Starts a run of a command on a runner with the label; resolves with its id. */
  startRun(command: string, args: readonly string[], label?: string, idempotencyKey?: string): Promise<string>;
  /** Resolves with the run once it has one of these statuses. */
  whenRun(id: string, isSo: (run: ServedRun) => boolean, ceilingMs?: number): Promise<ServedRun>;
  stdout(id: string): Promise<string>;
}

export interface ServedRun {
  readonly id: string;
  readonly status: string;
  readonly phase: string | null;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly logBytes: number;
  readonly attempt: number;
}

export const isOver = (run: ServedRun): boolean => run.status !== 'queued' && run.status !== 'running';

const quickEnvironment = {
  RUNBEAT_RUNNER_POLL_WAIT_MS: '500',
  RUNBEAT_RUNNER_POLL_GRACE_MS: '500',
  RUNBEAT_RUNNER_HEARTBEAT_MS: '200',
  RUNBEAT_RUNNER_LEASE_MS: '1500',
  RUNBEAT_RUNNER_OFFER_MS: '2000',
  RUNBEAT_REAP_INTERVAL_MS: '500',
};

export async function createServeProcess(
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let companyId = '';
  const agents = new Map<string, string>();

  async function api<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(10_000 * patience),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as Answer;
  }

  async function isReady(): Promise<boolean> {
    return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false,
    );
  }

  async function agentFor(label: string): Promise<string> {
    const known = agents.get(label);
    if (known !== undefined) return known;
    const { items } = await api<{ items: { id: string }[] }>('GET', '/api/companies');
    companyId = items[0]?.id ?? '';
    const { id } = await api<{ id: string }>('POST', `/api/companies/${companyId}/agents`, {
      name: `on ${label}`,
      adapterType: 'local',
      adapterConfig: { command: process.execPath },
      runtimeConfig: { placement: { runnerLabel: label }, heartbeat: { maxConcurrentRuns: 50 } },
    });
    agents.set(label, id);
    return id;
  }

  return {
    url,
    home,
    port,
    async start() {
      const started = spawn(process.execPath, [bin, '--home', home, 'serve', '--port', String(port)], {
        env: { ...process.env, ...quickEnvironment, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      let output = '';
      for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk: Buffer) => (output += String(chunk)));
      for (let waitedMs = 0; !(await isReady()); waitedMs += 50) {
        if (started.exitCode !== null || waitedMs > 45_000 * patience)
          throw new Error(`runbeat serve did not become ready: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    signal: (name) => void child?.kill(name),
    async end(name = 'SIGKILL') {
      const ending = child;
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
      const gone = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill(name);
      await gone;
    },
    api,
    async startRun(command, args, label = 'test', idempotencyKey) {
      const agentId = await agentFor(label);
      const answer = await api<{ run: { id: string } }>('POST', `/api/agents/${agentId}/wakeup`, {
        source: 'on_demand',
        adapterConfigOverride: { command, args },
        payload: { nonce: Math.random() },
        taskKey: `t${Math.random()}`,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      return answer.run.id;
    },
    async whenRun(id, isSo, ceilingMs = 30_000) {
      const startMs = performance.now();
      for (;;) {
        const run = await api<ServedRun>('GET', `/api/heartbeat-runs/${id}`).catch(() => null);
        if (run !== null && isSo(run)) return run;
        if (performance.now() - startMs > ceilingMs * patience)
          throw new Error(`run ${id} did not get there: ${JSON.stringify(run)}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    async stdout(id) {
      let offset = 0;
      let text = '';
      for (;;) {
        const page = await api<{ records: { stream: string; text: string }[]; nextOffset: number; endOffset: number }>(
          'GET',
          `/api/heartbeat-runs/${id}/log?offset=${offset}&limitBytes=256000`,
        );
        for (const record of page.records) if (record.stream === 'stdout') text += record.text;
        if (page.nextOffset >= page.endOffset) return text;
        offset = page.nextOffset;
      }
    },
  };
}

/** Below the ephemeral range, so that no outgoing connection can take it while the server is down. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port === port));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
  throw new Error('no free port');
}
