import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endTree } from './end-tree.js';
import { thisMachine } from './machine.js';
import { processLife } from './process-life.js';
import { processRow, processRows } from './process-row.js';

// What macOS takes: no /proc, everything by `ps`. The `ps` of Linux answers the same question in the same form.
const machine = thisMachine();
const real = process.platform;
beforeEach(() => Object.defineProperty(process, 'platform', { value: 'darwin' }));
afterEach(() => Object.defineProperty(process, 'platform', { value: real }));

it('finds this process in the list and by its pid, and nobody where nobody is', async () => {
  const own = { pid: process.pid, parentPid: process.ppid, isZombie: false };
  expect((await processRows()).find(({ pid }) => pid === process.pid)).toMatchObject(own);
  expect(await processRow(process.pid)).toMatchObject(own);
  expect(await processRow(4_194_303)).toBeNull();
});

it('believes a pid with its start time, and ends a tree with a descendant that left the group by its parents', async () => {
  const line = 'trap "" TERM; perl -e "use POSIX; POSIX::setsid(); sleep 300" & sleep 300 & echo up; wait; wait; sleep 300';
  const child = spawn('sh', ['-c', line], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = child.pid ?? expect.fail();
  await once(child.stdout, 'data');
  const leader = { pid, startedAt: new Date().toISOString(), startTicks: null, ...machine };
  expect(await processLife(leader)).toBe('alive');
  expect(await processLife({ ...leader, startedAt: '2020-01-01T00:00:00.000Z' })).toBe('gone');
  const before = (await processRows()).filter((row) => row.parentPid === pid).map((row) => row.pid);
  expect(before.length).toBeGreaterThanOrEqual(1);
  const tree = { leader, groupId: pid, runId: 'unused', scope: 'run' } as const;
  expect(await endTree(tree, { signal: 'SIGTERM', graceMs: 200 })).toEqual({ stopped: 'forced' });
  const after = new Set((await processRows()).filter((row) => !row.isZombie).map((row) => row.pid));
  expect([pid, ...before].filter((one) => after.has(one))).toEqual([]);
  expect(await endTree(tree, { signal: 'SIGTERM', graceMs: 200 })).toEqual({ stopped: 'already_gone' });
});
