import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '@runbeat/adapter-sdk/processes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireHomeLock } from './home-lock.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbeat-home-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const lockFile = () => join(home, 'server.lock');

describe('home lock', () => {
  it('is held by one, names its holder, and is free after its release', async () => {
    const lock = await acquireHomeLock(home);
    await expect(acquireHomeLock(home)).rejects.toMatchObject({
      code: 'home_locked',
      message: expect.stringContaining(`pid ${process.pid} `),
    });
    await lock.release();
    await lock.release();
    await (await acquireHomeLock(home)).release();
    expect(await readdir(home)).toEqual([]);
  });

  it('is taken by exactly one of many who ask at once, also when a dead one left it', async () => {
    const dead = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    await new Promise((resolve) => dead.once('exit', resolve));
    for (const stale of [null, { ...ownIdentity(), pid: dead.pid, startTicks: '1' }]) {
      if (stale !== null) await writeFile(lockFile(), JSON.stringify(stale));
      const answers = await Promise.allSettled(Array.from({ length: 12 }, () => acquireHomeLock(home)));
      const taken = answers.filter((answer) => answer.status === 'fulfilled');
      expect(taken).toHaveLength(1);
      await taken[0]?.value.release();
    }
  });

  it('is taken over from a pid that is another process by now, from another boot, and from an empty file', async () => {
    const own = ownIdentity();
    for (const content of [
      JSON.stringify({ ...own, startTicks: '1' }),
      JSON.stringify({ ...own, bootId: 'another boot' }),
      JSON.stringify({ ...own, pid: 0 }),
      '',
    ]) {
      await writeFile(lockFile(), content);
      await (await acquireHomeLock(home)).release();
    }
  });

  it('of another host is believed while it is touched', async () => {
    await writeFile(lockFile(), JSON.stringify({ ...ownIdentity(), host: 'elsewhere', pid: 77 }));
    await expect(acquireHomeLock(home)).rejects.toMatchObject({
      code: 'home_locked',
      message: expect.stringContaining('pid 77 on elsewhere'),
    });
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(lockFile(), longAgo, longAgo);
    await (await acquireHomeLock(home)).release();
  });

  it('that was taken over is not removed by the release of the one before', async () => {
    const first = await acquireHomeLock(home);
    await writeFile(lockFile(), 'not a lock');
    const second = await acquireHomeLock(home);
    await first.release();
    expect(await readFile(lockFile(), 'utf8')).toContain(`"pid":${process.pid}`);
    await second.release();
  });
});
