import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type RunbeatClient } from '@runbeat/client';
import type { JournalEntry, Session } from '@runbeat/protocol';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createSeededRandom } from '../chaos/seeded-random.js';
import { endProcessesOf, isAlive, waitUntil } from '../harness/processes.js';
import { type Fault, startFaultProxy, startTcpGate, type TcpGate } from './harness/fault-proxy.js';
import { createRunnerProcess, type RunnerProcess } from './harness/runner-process.js';
import { createServeProcess, type ServeProcess } from './harness/serve-process.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../packages/adapter-local/test/fixtures/${name}`, import.meta.url));
const talker = fixture('talker.mjs');

let folder: string;
let server: ServeProcess;
let gate: TcpGate;
let runner: RunnerProcess;
let client: RunbeatClient;
let companyId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-e2e-runner-sessions-'));
  server = await createServeProcess(join(folder, 'server'));
  await server.start();
  gate = await startTcpGate(() => server.port);
  runner = createRunnerProcess({
    serverUrl: gate.url,
    home: join(folder, 'runner'),
    runsDirectory: join(folder, 'runs'),
    slots: 20,
    settings: { requestGraceMs: 500 },
  });
  await runner.start();
  client = createClient({ baseUrl: server.url });
  companyId = (await client.companies.list()).items[0]?.id ?? '';
});
afterAll(async () => {
  gate?.set('open');
  await runner?.end('SIGTERM');
  await server?.end('SIGTERM');
  await gate?.close();
  // Workers of sessions outlive both, as they should.
  await endProcessesOf(folder);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => whenStreaming());

async function whenStreaming(): Promise<void> {
  await waitUntil(
    async () => (await runner.health()).client?.status === 'streaming',
    30_000,
    () => 'the runner to be connected',
  );
}

async function startSession(options: { program?: string; protocol?: string; label?: string } = {}): Promise<string> {
  const { id: agentId } = await client.agents.create(companyId, {
    name: `talker ${randomUUID()}`,
    adapterType: 'local',
    adapterConfig: {
      command: process.execPath,
      args: [options.program ?? talker],
      interactive: { protocol: options.protocol ?? 'json-rpc-lines' },
    },
    runtimeConfig: { placement: { runnerLabel: options.label ?? 'test' } },
  });
  const { id } = await client.sessions.create(agentId);
  await untilState(id, 'idle');
  return id;
}

async function untilState(id: string, state: Session['status']['state']): Promise<Session> {
  let session: Session | null = null;
  await waitUntil(
    async () => {
      session = await client.sessions.get(id).catch(() => null);
      return session?.status.state === state;
    },
    30_000,
    () => `session ${id} to be ${state}; it is ${JSON.stringify(session?.status)}`,
  );
  return session as unknown as Session;
}

const say = (id: string, prompt: string, wait: 'acknowledged' | 'settled' = 'settled', promptId: string = randomUUID()) =>
  client.sessions.message(id, { id: promptId, prompt, wait });

const pidOf = async (id: string): Promise<number> => ((await say(id, 'pid')).result as { pid: number }).pid;

/** Whoever asks again gets a new worker in the end: the runner may be busy connecting. */
async function untilAnswered(id: string): Promise<void> {
  await waitUntil(
    async () =>
      say(id, 'echo again').then(
        ({ state }) => state === 'completed',
        () => false,
      ),
    30_000,
    () => 'the next worker',
  );
}

async function journal(id: string): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (;;) {
    const page = await client.sessions.journal(id, { since: entries.at(-1)?.seq ?? 0, limit: 1_000 });
    if (page.entries.length === 0) return entries;
    entries.push(...page.entries);
  }
}

const linesOf = (entries: readonly JournalEntry[]): number[] =>
  entries
    .filter(({ kind }) => kind === 'output')
    .map(({ data }) => (data as { params?: { line?: number } }).params?.line)
    .filter((line) => line !== undefined);

const settledOf = (entries: readonly JournalEntry[]): (string | null)[] =>
  entries.filter(({ kind }) => kind === 'settled').map(({ promptId }) => promptId);

test('answers prompts, gives the same outcome for the same id, cancels, asks and is answered', async () => {
  const id = await startSession();
  const first = await say(id, 'echo hello', 'settled', 'p1');
  expect(first).toMatchObject({ state: 'completed', result: { echo: 'hello' } });
  expect(await say(id, 'echo hello', 'settled', 'p1')).toEqual(first);
  expect(await say(id, 'hang', 'acknowledged', 'p2')).toMatchObject({ state: 'acknowledged' });
  await expect(say(id, 'echo no', 'settled', 'p3')).rejects.toMatchObject({ status: 409, code: 'session_busy' });
  await client.sessions.cancel(id);
  await untilState(id, 'idle');
  const asking = say(id, 'ask');
  await waitUntil(
    async () => (await client.sessions.get(id)).openRequests.length === 1,
    30_000,
    () => 'the question of the agent',
  );
  const [request] = (await client.sessions.get(id)).openRequests;
  await client.sessions.answer(id, { requestId: request?.requestId ?? '', answer: { allowed: true } });
  expect((await asking).result).toEqual({ answer: { allowed: true } });
  expect(settledOf(await journal(id)).slice(0, 2)).toEqual(['p1', 'p2']);
});

test('the process is on the runner, and ends with its session', async () => {
  const id = await startSession();
  const pid = await pidOf(id);
  const workerId = (await client.sessions.get(id)).status.workerId;
  expect((await runner.health()).jobs).toContainEqual(
    expect.objectContaining({ runId: workerId, phase: 'running', session: expect.objectContaining({ commandSeq: 1 }) }),
  );
  await client.sessions.end(id);
  await waitUntil(
    () => !isAlive(pid),
    30_000,
    () => 'the worker to be gone',
  );
  await waitUntil(
    async () => !(await runner.health()).jobs.some((job) => job.runId === workerId),
    30_000,
    () => 'the runner to have let the job go',
  );
});

test('ACP: the conversation is resumed by the next worker on the runner', async () => {
  const id = await startSession({ program: fixture('acp-agent.mjs'), protocol: 'acp' });
  const nameOf = async (): Promise<unknown> => {
    await say(id, 'session');
    return (await journal(id)).filter(({ kind, promptId }) => kind === 'output' && promptId !== null).at(-1)?.data;
  };
  const name = await nameOf();
  const { workerId } = (await client.sessions.get(id)).status;
  await client.sessions.restart(id);
  await untilState(id, 'idle');
  // Named after the process that began it: the next one has taken it up.
  expect(await nameOf()).toEqual(name);
  expect((await client.sessions.get(id)).status.workerId).not.toBe(workerId);
});

test('what is longer than one upload arrives whole', async () => {
  const id = await startSession();
  const text = 'ä"\\😀'.repeat(80_000);
  expect((await say(id, `echo ${text}`)).result).toEqual({ echo: text });
});

test('T7 on a runner: the worker is killed, then a message at once: stdin_broken or a new worker, never busy', async () => {
  const id = await startSession();
  for (let round = 0; round < 3; round += 1) {
    process.kill(await pidOf(id), 'SIGKILL');
    const answer = await say(id, 'echo after').then(
      (prompt) => prompt.state,
      (error: { status: number; code: string }) => `${error.status} ${error.code}`,
    );
    expect(['502 stdin_broken', 'completed']).toContain(answer);
    await untilAnswered(id);
  }
  const settled = settledOf(await journal(id));
  expect(new Set(settled).size).toBe(settled.length);
});

async function startAgain(process: ServeProcess | RunnerProcess, signal: NodeJS.Signals): Promise<void> {
  await process.end(signal);
  await process.start();
}

for (const { fault, strike } of [
  { fault: 'a kill -9 of the server', strike: () => startAgain(server, 'SIGKILL') },
  { fault: 'a stop of the server', strike: () => startAgain(server, 'SIGTERM') },
  { fault: 'a kill -9 of the runner', strike: () => startAgain(runner, 'SIGKILL') },
  { fault: 'a stop of the runner', strike: () => startAgain(runner, 'SIGTERM') },
  {
    fault: 'a kill -9 of both',
    strike: async () => {
      await Promise.all([runner.end('SIGKILL'), server.end('SIGKILL')]);
      await Promise.all([runner.start(), server.start()]);
    },
  },
  {
    fault: 'a black hole between them',
    strike: async () => {
      gate.set('hole');
      await waitUntil(
        async () => (await runner.health()).client?.status === 'reconnecting',
        30_000,
        () => 'the runner to notice',
      );
      gate.set('open');
    },
  },
]) {
  test(`over ${fault} the same process goes on: nothing of its output is lost or doubled, the prompt stays in flight`, async () => {
    const id = await startSession();
    const pid = await pidOf(id);
    const flood = await say(id, 'flood 3000', 'acknowledged', 'flooding');
    expect(flood.state).not.toBe('failed');
    await strike();
    await whenStreaming();
    await waitUntil(
      async () => (await client.sessions.prompt(id, 'flooding').catch(() => null))?.state === 'completed',
      45_000,
      () => 'the prompt to be completed',
    );
    expect(linesOf(await journal(id))).toEqual(Array.from({ length: 3_000 }, (_, n) => n + 1));
    expect(await pidOf(id)).toBe(pid);
    const settled = settledOf(await journal(id));
    expect(new Set(settled).size).toBe(settled.length);
  });
}

test('a message that is sent while the link is down arrives when it is back, once', async () => {
  const id = await startSession();
  const pid = await pidOf(id);
  gate.set('hole');
  const answer = say(id, 'flood 5', 'settled', 'through the hole'.replaceAll(' ', '-'));
  await waitUntil(
    async () => (await runner.health()).client?.status === 'reconnecting',
    30_000,
    () => 'the runner to notice',
  );
  gate.set('open');
  expect(await answer).toMatchObject({ state: 'completed' });
  expect(linesOf(await journal(id))).toEqual([1, 2, 3, 4, 5]);
  expect(await pidOf(id)).toBe(pid);
});

test('a message that its server took to the grave is settled as failed, and the session takes the next one', async () => {
  const id = await startSession();
  const pid = await pidOf(id);
  gate.set('hole');
  const lost = say(id, 'echo lost', 'settled', 'lost').catch(() => null);
  await waitUntil(
    async () => (await client.sessions.prompt(id, 'lost').catch(() => null))?.state === 'written',
    30_000,
    () => 'the message to be taken',
  );
  await server.end('SIGKILL');
  await lost;
  gate.set('open');
  await server.start();
  await waitUntil(
    async () => (await client.sessions.prompt(id, 'lost').catch(() => null))?.state === 'failed',
    30_000,
    () => 'the message to be settled',
  );
  expect(await client.sessions.prompt(id, 'lost')).toMatchObject({ code: 'prompt_undelivered' });
  await untilState(id, 'idle');
  expect(await pidOf(id)).toBe(pid);
});

test('deleted while its runner is cut off and before its server is killed: the worker is ended when they meet again', async () => {
  const id = await startSession();
  const pid = await pidOf(id);
  gate.set('hole');
  await client.sessions.end(id);
  await server.end('SIGKILL');
  await server.start();
  expect(isAlive(pid)).toBe(true);
  gate.set('open');
  await waitUntil(
    () => !isAlive(pid),
    30_000,
    () => 'the worker to be gone',
  );
  await waitUntil(
    async () => (await client.sessions.get(id)).status.state === 'stopped',
    30_000,
    () => 'the session to be stopped',
  );
});

test('a worker that ended while nobody was there is found gone: the session says so, and the next message starts a new worker', async () => {
  const id = await startSession();
  const pid = await pidOf(id);
  await runner.end('SIGKILL');
  // It survives its runner, and is ended by hand while nobody is there.
  process.kill(pid, 'SIGKILL');
  await runner.start();
  await untilState(id, 'crashed');
  await untilAnswered(id);
});

test('cut off for longer than lease and grace: the worker is ended, the session says why and takes the next message', async () => {
  const strict = await createServeProcess(join(folder, 'strict-server'), { RUNBEAT_RUNNER_DISCONNECT_GRACE_MS: '1000' });
  const strictGate = await startTcpGate(() => strict.port);
  const strictRunner = createRunnerProcess({
    serverUrl: strictGate.url,
    home: join(folder, 'strict-runner'),
    runsDirectory: join(folder, 'strict-runs'),
    settings: { requestGraceMs: 500 },
  });
  const before = client;
  try {
    await strict.start();
    await strictRunner.start();
    client = createClient({ baseUrl: strict.url });
    companyId = (await client.companies.list()).items[0]?.id ?? '';
    await waitUntil(
      async () => (await strictRunner.health()).client?.status === 'streaming',
      30_000,
      () => 'the runner to be connected',
    );
    const id = await startSession();
    const pid = await pidOf(id);
    await say(id, 'hang', 'acknowledged', 'lost');
    strictGate.set('hole');
    await waitUntil(
      () => !isAlive(pid),
      30_000,
      () => 'the runner to end the worker',
    );
    const { status } = await untilState(id, 'crashed');
    expect(status.detail).toMatch(/did not come back within the grace period/);
    expect(await client.sessions.prompt(id, 'lost')).toMatchObject({ state: 'lost' });
    strictGate.set('open');
    await untilAnswered(id);
  } finally {
    client = before;
    companyId = (await client.companies.list()).items[0]?.id ?? '';
    strictGate.set('open');
    await strictRunner.end('SIGTERM');
    await strict.end('SIGTERM');
    await strictGate.close();
  }
}, 120_000);

test('whatever happens to requests, each message is begun once and everything said arrives once, in order', async () => {
  const faults: [Fault, ...Fault[]] = ['drop-request', 'drop-answer', 'delay', 'duplicate', '500', '502', '503', '429', 'html'];
  const proxy = await startFaultProxy(() => server.port);
  const faulty = createRunnerProcess({
    serverUrl: proxy.url,
    home: join(folder, 'faulty-runner'),
    runsDirectory: join(folder, 'faulty-runs'),
    labels: ['faulty'],
    settings: { requestGraceMs: 500 },
  });
  try {
    await faulty.start();
    await waitUntil(
      async () => (await faulty.health()).client?.status === 'streaming',
      30_000,
      () => 'the runner to be connected',
    );
    const id = await startSession({ label: 'faulty' });
    const pid = await pidOf(id);
    const seed = Date.now() % 1_000_000;
    const random = createSeededRandom(seed);
    proxy.choose = () => (random.next() < 0.4 ? random.pick(faults) : 'none');
    for (let n = 0; n < 25; n += 1) {
      const prompt = await say(id, n % 5 === 4 ? `flood ${n}` : `echo ${n}`, 'settled', `p${n}`);
      expect({ seed, n, ...prompt }).toMatchObject({
        state: 'completed',
        result: n % 5 === 4 ? { lines: n } : { echo: String(n) },
      });
    }
    proxy.choose = () => 'none';
    expect(await pidOf(id)).toBe(pid);
    const entries = await journal(id);
    const begun = settledOf(entries).filter((promptId) => promptId?.startsWith('p'));
    expect({ seed, begun }).toEqual({ seed, begun: Array.from({ length: 25 }, (_, n) => `p${n}`) });
    expect(linesOf(entries)).toEqual([4, 9, 14, 19, 24].flatMap((n) => Array.from({ length: n }, (_, line) => line + 1)));
  } finally {
    proxy.choose = () => 'none';
    await faulty.end('SIGTERM');
    await proxy.close();
  }
}, 120_000);

test('no runner is there: the session is refused with what is missing', async () => {
  const { id: agentId } = await client.agents.create(companyId, {
    name: 'nowhere',
    adapterType: 'local',
    adapterConfig: { command: process.execPath, args: [talker], interactive: { protocol: 'json-rpc-lines' } },
    runtimeConfig: { placement: { runnerLabel: 'nowhere' } },
  });
  await expect(client.sessions.create(agentId)).rejects.toMatchObject({ status: 503, code: 'adapter_unavailable' });
});
