import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@runbeat/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, waitUntil } from '../harness/processes.js';
import { createTestHome, runbeatCommand, untilEnded } from '../harness/test-server.js';

const counts = fileURLToPath(new URL('./programs/counts.mjs', import.meta.url));

/** A server that logs as much as it can, below a shell, which may put a pipe behind it. */
async function spawnServer(pipeline: string): Promise<{ shell: ChildProcess; home: string }> {
  const home = await createTestHome();
  const shell = spawn('sh', ['-c', `"$0" "$1" serve --port 0 ${pipeline}`, process.execPath, runbeatCommand], {
    env: { ...process.env, RUNBEAT_HOME: home, RUNBEAT_LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A pipeline is a group of its own, to be ended as one.
    detached: true,
  });
  onTestFinished(() => {
    try {
      process.kill(-(shell.pid ?? 0), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  });
  return { shell, home };
}

/** From the file that a ready server leaves in its home: its output may go nowhere. */
async function addressOf(home: string): Promise<{ url: string; pid: number }> {
  const path = join(home, 'server.json');
  const read = () => readFile(path, 'utf8').catch(() => '');
  await waitUntil(
    async () => (await read()) !== '',
    50_000,
    () => `the server to write ${path}`,
  );
  return JSON.parse(await read());
}

/** Requests that are all logged, then a run from its wake to its end. */
async function useServer(url: string): Promise<void> {
  const client = createClient({ baseUrl: url });
  const { items } = await client.companies.list();
  const companyId = items[0]?.id ?? '';
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 20 }, () => client.runs.live(companyId)));
  }
  const agent = await client.agents.create(companyId, {
    name: 'counter',
    adapterType: 'local',
    adapterConfig: { command: process.execPath, args: [counts, '5', '10'] },
  });
  const { run } = await client.agents.wakeup(agent.id);
  expect((await untilEnded(client, run?.id ?? '')).status).toBe('succeeded');
}

async function endInOrder(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await waitUntil(
    () => !isAlive(pid),
    30_000,
    () => 'an orderly end',
  );
}

describe('a server whose output nobody reads any more', () => {
  it('T2 goes on when the reader of stdout and stderr closes in a burst', { timeout: 120_000 }, async () => {
    const { shell, home } = await spawnServer('');
    shell.stdout?.resume();
    shell.stderr?.resume();
    const { url, pid } = await addressOf(home);
    const burst = useServer(url);
    shell.stdout?.destroy();
    shell.stderr?.destroy();
    await burst;
    await useServer(url);
    expect(isAlive(pid)).toBe(true);
    await endInOrder(pid);
  });

  it('T2 goes on when the reader takes nothing and leaves, as in `serve | head -0`', { timeout: 120_000 }, async () => {
    // The pipe is closed before the first line: the server's own greeting fails, too.
    const { shell, home } = await spawnServer('2>/dev/null | head -0');
    shell.stdout?.resume();
    const { url, pid } = await addressOf(home);
    await useServer(url);
    expect(isAlive(pid)).toBe(true);
    await endInOrder(pid);
  });

  it('T2 is not held up by a reader that stops reading without leaving', { timeout: 120_000 }, async () => {
    const { shell, home } = await spawnServer('');
    // Nobody reads from the start; the log is far more than a pipe takes.
    shell.stdout?.pause();
    shell.stderr?.pause();
    const { url, pid } = await addressOf(home);
    for (let round = 0; round < 3; round += 1) await useServer(url);
    expect(isAlive(pid)).toBe(true);
    await endInOrder(pid);
  });
});
