import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { thisMachine } from './machine.js';
import { isSameProcess, ownIdentity } from './process-identity.js';
import { processLife } from './process-life.js';
import { linuxRow } from './process-row.js';

const self = ownIdentity();

it('believes a pid with its start and its boot', async () => {
  expect(await processLife(self)).toBe('alive');
});

it.runIf(process.platform === 'linux')('takes another start for another process', async () => {
  expect(await processLife({ ...self, startTicks: String(Number(self.startTicks) + 1) })).toBe('gone');
});

it('takes an earlier boot of this machine for gone, and another machine for unknown', async () => {
  expect(await processLife({ ...self, bootId: 'earlier' })).toBe('gone');
  expect(await processLife({ ...self, bootId: 'earlier', host: 'elsewhere' })).toBe('unknown');
});

it('never takes a pid that it cannot see for gone when the host name differs', async () => {
  expect(await processLife({ ...self, pid: 4_194_303, host: 'container-beside' })).toBe('unknown');
  expect(await processLife({ ...self, pid: 4_194_303 })).toBe('gone');
});

it.runIf(process.platform === 'linux')('takes a zombie for gone', async () => {
  // The shell starts a child and is then replaced by a program that never waits for it.
  const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$" & exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(chunk.toString());
    await expect.poll(() => linuxRow(pid)?.isZombie, { timeout: 10_000 }).toBe(true);
    const startTicks = linuxRow(pid)?.startTicks ?? expect.fail();
    expect(await processLife({ ...self, pid, startTicks })).toBe('gone');
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
});

it('compares start times where there are no ticks, with the tolerance of whole seconds', () => {
  const row = { pid: 5, parentPid: 1, groupId: 5, isZombie: false, startTicks: null, startedAtMs: 1_000_000 };
  const startedAt = (ms: number) => ({ pid: 5, startTicks: null, startedAt: new Date(ms).toISOString() });
  expect(isSameProcess(row, startedAt(1_001_500))).toBe(true);
  expect(isSameProcess(row, startedAt(1_060_000))).toBe(false);
  expect(isSameProcess({ ...row, pid: 6 }, startedAt(1_000_000))).toBe(false);
});

it('knows this machine by name and boot', () => {
  expect(thisMachine().host).not.toBe('');
  expect(thisMachine().bootId).toMatch(process.platform === 'win32' ? /./ : /^[0-9A-Fa-f-]{36}$/);
});
