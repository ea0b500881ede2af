import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessTable } from '../supervisor/ports/index.js';
import { createLinuxProcessSource } from './linux-process-source.js';
import { createProcessTable } from './process-table.js';
import { createPsProcessSource } from './ps-process-source.js';

const isLinux = process.platform === 'linux';
const bootId = isLinux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : 'boot';
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
async function handleOf(child: ChildProcess): Promise<ProcessHandleV1> {
  const pid = child.pid as number;
  const entry = isLinux ? await createLinuxProcessSource().find(pid) : null;
  return {
    kind: 'process',
    pid,
    processGroupId: pid,
    startedAt: new Date().toISOString(),
    host: hostname(),
    bootId,
    startTicks: entry?.startTicks ?? null,
  };
}

/** Gone, or dead and only not yet waited for by this machine's init. */
async function isGone(pid: number): Promise<boolean> {
  const entry = await createPsProcessSource(bootId).find(pid);
  return entry === null || entry.isZombie;
}

const sources = [
  ...(isLinux ? [{ name: '/proc', create: () => createLinuxProcessSource() }] : []),
  { name: 'ps', create: () => createPsProcessSource(bootId) },
];

describe.each(sources)('the process table read from $name', ({ create, name }) => {
  const table = (): ProcessTable => createProcessTable(create());
  /** `ps` knows no ticks, so a handle for it has none either. */
  const handle = async (child: ChildProcess): Promise<ProcessHandleV1> =>
    name === 'ps' ? { ...(await handleOf(child)), startTicks: null } : handleOf(child);

  it('knows a living process by its start, and calls it gone when it ended', async () => {
    const { child } = await start('echo ready; exec sleep 60');
    const processes = table();
    const recorded = await handle(child);
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'alive' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'gone', isReused: false, livingGroupMembers: 0 });
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 100 })).toBe('already_gone');
  });

  it('takes a pid with another start for a stranger and does not signal it', async () => {
    const { child } = await start('echo ready; exec sleep 60');
    const processes = table();
    const recorded = await handle(child);
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
    const processes = table();
    const recorded = await handle(child);
    if (child.exitCode === null) await once(child, 'exit');
    expect(await processes.inspect(recorded, 'r')).toEqual({ state: 'gone', isReused: false, livingGroupMembers: 1 });
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 5_000 })).toBe('graceful');
    expect(await isGone(Number(line))).toBe(true);
  });

  it('forces what ignores the request', async () => {
    const { child } = await start("trap '' TERM; echo ready; while :; do sleep 1; done");
    const processes = table();
    const recorded = await handle(child);
    expect(await processes.terminate(recorded, { runId: 'r', graceMs: 100 })).toBe('forced');
    expect(await processes.inspect(recorded, 'r')).toMatchObject({ state: 'gone' });
  });

  it('knows whether a server process is the one that registered', async () => {
    const processes = table();
    expect(await processes.isInstanceAlive(processes.self)).toBe(true);
    expect(await processes.isInstanceAlive({ ...processes.self, processStartTicks: '1' })).toBe(false);
    expect(await processes.isInstanceAlive({ ...processes.self, hostBootId: 'another boot' })).toBe(false);
    expect(await processes.isInstanceAlive({ ...processes.self, host: 'another host' })).toBeNull();
  });

  it('cannot speak for another host, and knows that another boot ended everything', async () => {
    const processes = table();
    const { child } = await start('echo ready; exec sleep 60');
    const recorded = await handle(child);
    expect(await processes.inspect({ ...recorded, host: 'elsewhere' }, 'r')).toEqual({ state: 'elsewhere' });
    expect(await processes.inspect({ ...recorded, bootId: 'before' }, 'r')).toMatchObject({ state: 'gone' });
  });
});

describe.runIf(isLinux)('a descendant that left the group', () => {
  it('is ended with it when it carries the cookie of the run', async () => {
    const runId = `run-${process.pid}-${Date.now()}`;
    const script = 'setsid sh -c "echo \\$\\$; exec sleep 60" & wait';
    const { child, line } = await start(script, { RUNBEAT_RUN_ID: runId });
    const processes = createProcessTable(createLinuxProcessSource());
    expect(await processes.terminate(await handleOf(child), { runId, graceMs: 5_000 })).toBe('graceful');
    expect(await isGone(Number(line))).toBe(true);
  });
});
