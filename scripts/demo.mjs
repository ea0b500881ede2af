// `npm run demo`: a real agent program survives a `kill -9` of the server, and nothing of its output is lost or doubled.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@runbeat/client';

const lines = 60;
const killAtLine = 20;
const cli = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
const agentProgram = fileURLToPath(new URL('./demo/agent.mjs', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'runbeat-demo-'));
const say = (text) => console.log(`\x1b[1m== ${text}\x1b[0m`);
let server = null;

try {
  say(`starting a server in ${home}`);
  server = await startServer(0);
  const { port } = new URL(server.url);
  const client = createClient({ baseUrl: server.url });
  const company = (await client.companies.list({ limit: 1 })).items[0];
  const agent = await client.agents.create(company.id, {
    name: 'demo',
    adapterType: 'local',
    adapterConfig: { command: process.execPath, args: [agentProgram, String(lines)] },
  });
  const { run } = await client.agents.wakeup(agent.id, { prompt: 'Show that you survive.' });
  say(`run ${run.id} is on its way; its output:`);

  const seen = [];
  let isKilled = false;
  // One stream, from the first byte to the last: it resumes by itself when the server is back.
  for await (const record of client.runLog({ runId: run.id })) {
    process.stdout.write(record.text);
    seen.push(record);
    if (
      !isKilled &&
      seen
        .map((each) => each.text)
        .join('')
        .split('\n').length > killAtLine
    ) {
      isKilled = true;
      const { processPid } = await client.runs.get(run.id);
      server.child.kill('SIGKILL');
      await server.ended;
      say(
        `the server (pid ${server.child.pid}) was killed with SIGKILL; the agent (pid ${processPid}) is ${isAlive(processPid) ? 'alive and goes on' : 'DEAD'}`,
      );
      server = await startServer(Number(port));
      say(`a new server (pid ${server.child.pid}) took the run over after ${server.readyMs} ms`);
    }
  }
  const ended = await client.runs.get(run.id);
  const output = seen
    .filter((record) => record.stream === 'stdout')
    .map((record) => record.text)
    .join('');
  const numbers = output
    .split('\n')
    .filter(Boolean)
    .map((line) => Number(/^line (\d+) of/.exec(line)?.[1]));
  const isComplete = numbers.length === lines && numbers.every((number, index) => number === index + 1);
  say(
    `the run ended ${ended.status} with exit code ${ended.exitCode}; ${numbers.length} of ${lines} lines, ${new Set(numbers).size} different, in order: ${isComplete ? 'yes' : 'NO'}`,
  );
  const isRight = isKilled && isComplete && ended.exitCode === 7 && ended.status === 'failed';
  say(isRight ? 'every line exactly once, and the exit code is the program’s own' : 'THIS IS NOT WHAT RUNBEAT PROMISES');
  process.exitCode = isRight ? 0 : 1;
} finally {
  if (server) {
    server.child.kill('SIGTERM');
    await server.ended;
  }
  rmSync(home, { recursive: true, force: true });
}

async function startServer(port) {
  const started = Date.now();
  const child = spawn(process.execPath, [cli, '--json', '--home', home, 'serve', '--port', String(port), '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const line = text.split('\n').find((each) => each.includes('"listening"'));
      if (line) resolve(JSON.parse(line).url);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code} before it listened`)));
  });
  return { child, ended, url, readyMs: Date.now() - started };
}

function isAlive(pid) {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
}
