import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ProcessHandleV1, processHandle } from '@runbeat/adapter-sdk';
import { processRow, thisMachine } from '@runbeat/adapter-sdk/processes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProcessTable } from '../supervisor/ports/index.js';
import { createProcessTable } from './process-table.js';

const realPlatform = process.platform;
const isLinux = realPlatform === 'linux';
// Read as the machine it is, before any test plays another system.
const machine = thisMachine();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The test ended it already.
    }
  }
});

/** A group leader that prints a line when it is ready. */
async function start(script: string, env: Record<string, string> = {}): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  children.push(child);
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, line: chunk.toString().trim() };
}
const handleOf = (child: ChildProcess): ProcessHandleV1 => processHandle(child.pid as number, { leadsGroup: true });

/** Gone, or dead and only not yet waited for by this machine's init. */
async function isGone(pid: number): Promise<boolean> {
  const row = await processRow(pid);
  return row === null || row.isZombie;
}

// What macOS takes: no /proc, everything by `ps`. The `ps` of Linux answers the same question in the same form.
describe.each(isLinux ? (['linux', 'darwin'] as const) : ([realPlatform] as const))('the process table of %s', (platform) => {
  beforeEach(() => Object.defineProperty(process, 'platform', { value: platform }));
  afterEach(() => Object.defineProperty(process, 'platform', { value: realPlatform }));
  const table = (): Promise<ProcessTable> => createProcessTable();
  const handle = (child: ChildProcess): ProcessHandleV1 => ({ ...handleOf(child), ...machine });

  it('knows a living process by its start, and calls it gone when it ended', async () => {
    const { child } = await start('echo ready; exec sleep 60');
    const processes = await table();
    const recorded = handle(child);
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'alive' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'gone', isReused: false, livingGroupMembers: 0 });
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 100 })).toBe('already_gone');
  });

  it('takes a pid with another start for a stranger and does not signal it', async () => {
    const { child } = await start('echo ready; exec sleep 60');
    const processes = await table();
    const recorded = handle(child);
    const reused: ProcessHandleV1 = {
      ...recorded,
      startTicks: recorded.startTicks === null ? null : '1',
      startedAt: '2001-01-01T00:00:00.000Z',
    };
    expect(await processes.inspect(reused, 'r')).toEqual({ state: 'gone', isReused: true, livingGroupMembers: 0 });
    expect(await processes.terminate(reused, { runId: 'r', graceMs: 50 })).toBe('already_gone');
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'alive' });
  });

  it('finds and ends the group that a dead leader left behind', async () => {
    const { child, line } = await start('sleep 60 & echo $!');
    const processes = await table();
    const recorded = handle(child);
    if (child.exitCode === null) await once(child, 'exit');
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'gone', isReused: false, livingGroupMembers: 1 });
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 5_000 })).toBe('graceful');
    expect(await isGone(Number(line))).toBe(true);
  });

  it('forces what ignores the request', async () => {
    const { child } = await start("trap '' TERM; echo ready; while :; do sleep 1; done");
    const processes = await table();
    const recorded = handle(child);
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 100 })).toBe('forced');
    expect(await processes.inspect(recorded, 'r')).toMatchObject({ state: 'gone' });
  });

  it('knows whether a server process is the one that registered', async () => {
    const processes = await table();
    expect(await processes.isInstanceAlive(processes.self)).toBe(true);
    expect(await processes.isInstanceAlive({ ...processes.self, processStartTicks: '1' })).toBe(false);
    expect(await processes.isInstanceAlive({ ...processes.self, hostBootId: 'another boot' })).toBe(false);
    expect(await processes.isInstanceAlive({ ...processes.self, host: 'another host' })).toBeNull();
  });

  it('cannot speak for another host, and knows that another boot ended everything', async () => {
    const processes = await table();
    const { child } = await start('echo ready; exec sleep 60');
    const recorded = handle(child);
    expect(await processes.inspect({ ...recorded, host: 'elsewhere' }, 'r')).toEqual({ state: 'elsewhere' });
    expect(await processes.inspect({ ...recorded, bootId: 'before' }, 'r')).toMatchObject({ state: 'gone' });
  });
});

describe.runIf(isLinux)('a descendant that left the group', () => {
  it('is ended with it when it carries the cookie of the run', async () => {
    const runId = `run-${process.pid}-${Date.now()}`;
    const script = 'setsid sh -c "echo \\$\\$; exec sleep 60" & wait';
    const { child, line } = await start(script, { RUNBEAT_RUN_ID: runId });
    const processes = await createProcessTable();
    expect(await processes.terminate(handleOf(child), { runId, graceMs: 5_000 })).toBe('graceful');
    expect(await isGone(Number(line))).toBe(true);
  });
});
