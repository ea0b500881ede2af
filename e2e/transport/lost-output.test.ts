import { type ChildProcess, spawn } from 'node:child_process';
import { createClient } from '@runbeat/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, waitUntil } from '../harness/processes.js';
import { createTestHome, fixture, runbeatCommand, untilEnded } from '../harness/test-server.js';

/** A server whose log is as talkative as it can be. */
async function spawnServer(shellSuffix: string): Promise<{ child: ChildProcess; home: string }> {
  const home = await createTestHome();
  const child = spawn('sh', ['-c', `exec "$0" "$1" --json serve --port 0 ${shellSuffix}`, process.execPath, runbeatCommand], {
    env: { ...process.env, RUNBEAT_HOME: home, RUNBEAT_LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A pipeline is a group of its own, to be ended as one.
    detached: true,
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  });
  return { child, home };
}

/** From the first line of stdout that tells of it. */
async function addressOf(child: ChildProcess): Promise<{ url: string; pid: number }> {
  let text = '';
  child.stdout?.on('data', (data) => (text += data));
  await waitUntil(
    () => /"listening".*\n/.test(text),
    60_000,
    () => `the server to listen; it said ${text}`,
  );
  return JSON.parse(text.split('\n').find((line) => line.includes('"listening"')) ?? '{}');
}

/** Requests that are all logged, then a run from its wake to its end. */
async function useServer(url: string): Promise<void> {
  const client = createClient({ baseUrl: url });
  const { items } = await client.companies.list();
  const companyId = items[0]?.id ?? '';
  for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 20 }, () => client.runs.live(companyId)));
  const agent = await client.agents.create(companyId, {
    name: 'counter',
    adapterType: 'local',
    adapterConfig: { command: process.execPath, args: [fixture('counts.mjs'), '5', '10'] },
  });
  const { run } = await client.agents.wakeup(agent.id);
  expect((await untilEnded(client, run?.id ?? '')).status).toBe('succeeded');
}

describe('a server whose output nobody reads any more', () => {
  it('T2 goes on when the reader of stdout and stderr closes in a burst', async () => {
    const { child } = await spawnServer('');
    const { url, pid } = await addressOf(child);
    const burst = useServer(url);
    child.stdout?.destroy();
    child.stderr?.destroy();
    await burst;
    await useServer(url);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await waitUntil(
      () => !isAlive(pid),
      30_000,
      () => 'an orderly end',
    );
    expect(child.exitCode).toBe(0);
  });

  it('T2 goes on when the reader takes one line and leaves, as `head -1` does', async () => {
    const { child } = await spawnServer('2>/dev/null | head -1');
    let text = '';
    child.stdout?.on('data', (data) => (text += data));
    await waitUntil(
      () => /"listening".*\n/.test(text),
      60_000,
      () => `the first line; it is ${text}`,
    );
    const { url, pid } = JSON.parse(text.split('\n')[0] ?? '{}') as { url: string; pid: number };
    await useServer(url);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await waitUntil(
      () => !isAlive(pid),
      30_000,
      () => 'an orderly end',
    );
  });

  it('T2 is not held up by a reader that stops reading without leaving', async () => {
    const { child } = await spawnServer('');
    const { url, pid } = await addressOf(child);
    child.stdout?.pause();
    child.stderr?.pause();
    // Far more than a pipe takes.
    await useServer(url);
    await useServer(url);
    expect(isAlive(pid)).toBe(true);
  });
});
