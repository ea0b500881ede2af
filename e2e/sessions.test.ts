import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { JournalEntry, Session } from '@runbeat/protocol';
import { describe, expect, it } from 'vitest';
import { isAlive, waitUntil } from './harness/processes.js';
import { runCommand } from './harness/run-command.js';
import { shareTestServer, startTestServer, type TestServer } from './harness/test-server.js';

const talker = fileURLToPath(new URL('../packages/adapter-local/test/fixtures/talker.mjs', import.meta.url));
const acpAgent = fileURLToPath(new URL('../packages/adapter-local/test/fixtures/acp-agent.mjs', import.meta.url));

async function startSession(server: TestServer, options: { program?: string; protocol?: string } = {}): Promise<Session> {
  const agentId = await server.agent(options.program ?? talker, [], {
    interactive: { protocol: options.protocol ?? 'json-rpc-lines' },
  });
  const { id } = await server.client.sessions.create(agentId);
  return untilState(server, id, 'idle');
}

async function untilState(server: TestServer, id: string, state: Session['status']['state']): Promise<Session> {
  let session = await server.client.sessions.get(id);
  await waitUntil(
    async () => {
      session = await server.client.sessions.get(id);
      return session.status.state === state;
    },
    30_000,
    () => `session ${id} to be ${state}; it is ${JSON.stringify(session.status)}`,
  );
  return session;
}

const say = (
  server: TestServer,
  id: string,
  prompt: string,
  wait: 'acknowledged' | 'settled' = 'settled',
  promptId: string = randomUUID(),
) => server.client.sessions.message(id, { id: promptId, prompt, wait });

async function journal(server: TestServer, id: string): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (;;) {
    const page = await server.client.sessions.journal(id, { since: entries.at(-1)?.seq ?? 0, limit: 1_000 });
    if (page.entries.length === 0) return entries;
    entries.push(...page.entries);
  }
}

describe('a session', () => {
  const shared = shareTestServer();

  it('that is created twice with one key is one session, told of as it was when its worker had started', async () => {
    const server = shared();
    const agentId = await server.agent(talker, [], { interactive: { protocol: 'json-rpc-lines' } });
    const idempotencyKey = randomUUID();
    const create = () => server.client.sessions.create(agentId, {}, { idempotencyKey });
    const created = await create();
    expect(created.status.workerId).not.toBeNull();
    expect(await create()).toEqual(created);
    expect((await server.client.sessions.list(agentId)).items).toHaveLength(1);
  }, 60_000);

  it('answers prompts, gives the same outcome for the same id, and refuses a second one while it is busy', async () => {
    const server = shared();
    const { id } = await startSession(server);
    const first = await say(server, id, 'echo hello', 'settled', 'p1');
    expect(first).toMatchObject({ state: 'completed', result: { echo: 'hello' } });
    expect(await say(server, id, 'echo hello', 'settled', 'p1')).toEqual(first);
    expect(await say(server, id, 'hang', 'acknowledged', 'p2')).toMatchObject({ state: 'acknowledged' });
    await expect(say(server, id, 'echo no', 'settled', 'p3')).rejects.toMatchObject({
      status: 409,
      code: 'session_busy',
      evidence: { promptInFlight: 'p2' },
    });
    await server.client.sessions.cancel(id);
    await untilState(server, id, 'idle');
    const entries = await journal(server, id);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.filter(({ kind }) => kind === 'settled').map(({ promptId }) => promptId)).toEqual(['p1', 'p2']);
  });

  it('T7 whose child was killed answers a message at once with stdin_broken or by a new worker, and is never busy for ever', async () => {
    const server = shared();
    const { id } = await startSession(server);
    for (let round = 0; round < 5; round += 1) {
      const { result } = await say(server, id, 'pid');
      const { pid } = result as { pid: number };
      process.kill(pid, 'SIGKILL');
      const answer = await say(server, id, 'echo after').then(
        (prompt) => prompt.state,
        (error: { status: number; code: string }) => `${error.status} ${error.code}`,
      );
      // Whoever notices first: the write, or the end of the process. Never a 500, never "busy".
      expect(['502 stdin_broken', 'completed']).toContain(answer);
      if (answer !== 'completed')
        expect(await server.client.sessions.get(id)).toMatchObject({
          promptInFlight: null,
          status: { state: 'error', reason: 'stdin_broken' },
        });
      expect(await say(server, id, 'echo again')).toMatchObject({ state: 'completed', result: { echo: 'again' } });
      await waitUntil(
        () => !isAlive(pid),
        10_000,
        () => 'the killed worker to be gone',
      );
    }
  });

  it('settles a prompt whose agent exits with code 0 while it is at work', async () => {
    const server = shared();
    const { id } = await startSession(server);
    const outcome = await say(server, id, 'exit 0').then(
      ({ state }) => state,
      ({ code }: { code: string }) => code,
    );
    expect(['lost', 'stdin_broken']).toContain(outcome);
    expect((await server.client.sessions.get(id)).promptInFlight).toBeNull();
    expect(await say(server, id, 'echo on')).toMatchObject({ state: 'completed' });
  });

  it('goes on with the same process after a kill -9 of the server in mid-turn', async () => {
    const server = await startTestServer();
    const { id } = await startSession(server);
    const { result } = await say(server, id, 'pid');
    await say(server, id, 'hang', 'acknowledged', 'in-flight');
    await server.kill();
    const next = await server.restart();
    await waitUntil(
      async () => (await next.client.sessions.get(id)).promptInFlight === 'in-flight',
      30_000,
      () => 'the prompt to be in flight again',
    );
    await next.client.sessions.cancel(id);
    await untilState(next, id, 'idle');
    expect((await say(next, id, 'pid')).result).toEqual(result);
    const settled = (await journal(next, id)).filter(({ kind }) => kind === 'settled');
    expect(new Set(settled.map(({ promptId }) => promptId)).size).toBe(settled.length);
  });

  it('goes on with the same process after an orderly stop of the server, whose end is nobody’s crash', async () => {
    const server = await startTestServer();
    const { id } = await startSession(server);
    const { result } = await say(server, id, 'pid');
    await say(server, id, 'hang', 'acknowledged', 'in-flight');
    expect(await server.terminate()).toMatchObject({ code: 0 });
    const next = await server.restart();
    await waitUntil(
      async () => (await next.client.sessions.get(id)).promptInFlight === 'in-flight',
      30_000,
      () => 'the prompt to be in flight again',
    );
    await next.client.sessions.cancel(id);
    await untilState(next, id, 'idle');
    expect((await say(next, id, 'pid')).result).toEqual(result);
    expect((await journal(next, id)).map(({ kind }) => kind)).not.toContain('exit');
  });

  it('gives each follower the whole journal once, whenever it joins, over a restart of the server', async () => {
    const server = await startTestServer();
    const { id } = await startSession(server);
    await say(server, id, 'flood 300');
    const stop = new AbortController();
    const follow = (since: number): { readonly since: number; readonly seen: number[]; readonly ended: Promise<void> } => {
      const seen: number[] = [];
      const ended = (async () => {
        for await (const entry of server.client.sessionJournal({ sessionId: id, since, signal: stop.signal }))
          seen.push(entry.seq);
      })();
      return { since, seen, ended };
    };
    const early = follow(0);
    await waitUntil(
      () => early.seen.length > 100,
      30_000,
      () => 'the first follower to be in the middle',
    );
    await server.kill();
    const next = await server.restart();
    const late = follow(100);
    await say(next, id, 'flood 300');
    await next.client.sessions.end(id);
    const { headSeq } = await untilState(next, id, 'stopped');
    for (const { since, seen } of [early, late]) {
      await waitUntil(
        () => seen.length >= headSeq - since,
        60_000,
        () => `${headSeq - since} entries; ${seen.length} came`,
      );
    }
    stop.abort();
    await Promise.all([early.ended, late.ended]);
    for (const { since, seen } of [early, late]) expect(seen).toEqual(seen.map((_, index) => since + index + 1));
  });

  it('takes part in the Agent Client Protocol, asks for permission, and ends its worker when it is deleted', async () => {
    const server = shared();
    const session = await startSession(server, { program: acpAgent, protocol: 'acp' });
    expect(await say(server, session.id, 'hello')).toMatchObject({ state: 'completed' });
    const { processPid } = await server.client.sessions.get(session.id);
    await server.client.sessions.end(session.id);
    await untilState(server, session.id, 'stopped');
    expect(isAlive(processPid ?? 0)).toBe(false);
    await expect(say(server, session.id, 'hello')).rejects.toMatchObject({ status: 409, code: 'session_ended' });
  });

  it('talks to an agent that is not ours: the example agent of the protocol’s own package', async () => {
    const server = shared();
    const example = createRequire(import.meta.url)
      .resolve('@zed-industries/agent-client-protocol')
      .replace(/dist\/acp\.js$/, 'typescript/examples/agent.ts');
    const agent = await server.client.agents.create(server.companyId, {
      name: 'example',
      adapterType: 'local',
      adapterConfig: {
        command: process.execPath,
        args: ['--import', import.meta.resolve('tsx'), example],
        interactive: { protocol: 'acp' },
      },
    });
    const { id } = await server.client.sessions.create(agent.id);
    await untilState(server, id, 'idle');
    const answer = say(server, id, 'change my project');
    await waitUntil(
      async () => (await server.client.sessions.get(id)).openRequests.length === 1,
      30_000,
      () => 'the agent to ask for permission',
    );
    const [request] = (await server.client.sessions.get(id)).openRequests;
    expect(JSON.stringify(request)).toContain('allow');
    await server.client.sessions.answer(id, {
      requestId: request?.requestId ?? '',
      answer: { outcome: { outcome: 'selected', optionId: 'allow' } },
    });
    expect(await answer).toMatchObject({ state: 'completed', result: { stopReason: 'end_turn' } });
    const said = (await journal(server, id))
      .filter(({ kind }) => kind === 'output')
      .map(({ data }) => (data as { sessionUpdate?: string }).sessionUpdate);
    expect(said).toContain('agent_message_chunk');
    expect(said).toContain('tool_call');
  });

  it('is a conversation in the terminal', async () => {
    const server = shared();
    const agentId = await server.agent(talker, [], { interactive: { protocol: 'json-rpc-lines' } });
    const result = await runCommand(['chat', agentId, '--message', 'echo from the terminal'], { home: server.home });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('from the terminal');
  });

  it('is refused for an agent that takes single runs only', async () => {
    const server = shared();
    const agentId = await server.agent(talker);
    await expect(server.client.sessions.create(agentId)).rejects.toMatchObject({ status: 422, code: 'adapter_not_interactive' });
  });
});
