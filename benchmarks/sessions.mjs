// Conversations: how long a prompt takes through the server against the bare child, and what an idle session costs.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient } from '@runbeat/client';

const agentProgram = `
import { createInterface } from 'node:readline';
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: 'ok' }) + '\\n');
});
`;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export default {
  title: 'interactive sessions',
  async run({ scale }) {
    const folder = await mkdtemp(join(tmpdir(), 'runbeat-bench-sessions-'));
    const program = join(folder, 'agent.mjs');
    await writeFile(program, agentProgram);
    const prompts = Math.max(20, Math.round(300 * scale));
    const sessions = Math.max(5, Math.round(200 * scale));
    const server = await startServer(folder);
    try {
      const bare = await bareRoundTrips(program, prompts);
      const client = createClient({ baseUrl: server.url });
      const { items } = await client.companies.list();
      const agent = await client.agents.create(items[0].id, {
        name: 'echo',
        adapterType: 'local',
        adapterConfig: { command: process.execPath, args: [program], interactive: { protocol: 'json-rpc-lines' } },
      });
      const first = await openSession(client, agent.id);
      const http = [];
      const ours = [];
      for (let prompt = 0; prompt < prompts; prompt += 1) {
        // A call that does nothing is part of every round trip over HTTP; what is left is the session's own time.
        http.push(await timed(() => client.health.live()));
        ours.push(await timed(() => client.sessions.message(first, { id: randomUUID(), prompt: 'hi', wait: 'settled' })));
      }
      const before = await residentKiB(server.child.pid);
      for (let opened = 0; opened < sessions; opened += 10) {
        await Promise.all(Array.from({ length: Math.min(10, sessions - opened) }, () => openSession(client, agent.id)));
      }
      const after = await residentKiB(server.child.pid);
      const more = median(ours) - median(http) - median(bare);
      return [
        {
          id: 'S1',
          what: 'prompt round trip at the median, beyond an empty HTTP call',
          value: median(ours) - median(http),
          baseline: median(bare),
          unit: 'ms',
          ratio: null,
          goal: '≤ 2 ms more',
          isMet: more <= 2,
        },
        {
          id: 'S2',
          what: `server memory per idle session (${sessions} sessions)`,
          value: (after - before) / sessions,
          baseline: null,
          unit: 'KiB',
          ratio: null,
          goal: '',
          isMet: null,
        },
      ];
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function timed(call) {
  const started = performance.now();
  await call();
  return performance.now() - started;
}

async function openSession(client, agentId) {
  const { id } = await client.sessions.create(agentId);
  for (;;) {
    const session = await client.sessions.get(id);
    if (session.status.state === 'idle') return id;
    if (session.status.state === 'crashed') throw new Error(`the session crashed: ${session.status.detail}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function bareRoundTrips(program, count) {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const times = [];
  for (let prompt = 0; prompt < count; prompt += 1) {
    times.push(
      await timed(() => {
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: prompt, method: 'prompt', params: 'hi' })}\n`);
        return lines.next();
      }),
    );
  }
  child.kill();
  return times;
}

async function startServer(folder) {
  const command = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [command, '--json', 'serve', '--home', join(folder, 'home'), '--port', '0', '--log-level', 'error'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      text += data;
      const line = text.split('\n').find((each) => each.includes('"listening"'));
      if (line) resolve(JSON.parse(line).url);
    });
    child.once('exit', () => reject(new Error(`the server did not start: ${text}`)));
  });
  return {
    url,
    child,
    async stop() {
      // Sessions outlive their server on purpose; here they must not.
      const client = createClient({ baseUrl: url });
      const { items: companies } = await client.companies.list();
      const { items: agents } = await client.agents.list(companies[0].id);
      for (const agent of agents) {
        let cursor;
        do {
          const page = await client.sessions.list(agent.id, { limit: 200, ...(cursor ? { cursor } : {}) });
          await Promise.all(page.items.filter((session) => !session.endedAt).map((session) => client.sessions.end(session.id)));
          cursor = page.nextCursor ?? undefined;
        } while (cursor);
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function residentKiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
}
