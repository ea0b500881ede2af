import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '@runbeat/adapter-sdk/processes';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockHome } from './home-lock.js';
import { loadIdentity } from './identity.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbeat-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test('the second one is told who has it; after a release it is free', async () => {
  const lock = await lockHome(home);
  await expect(lockHome(home)).rejects.toMatchObject({
    code: 'runner_home_locked',
    message: expect.stringContaining(`${process.pid}`),
  });
  await lock.release();
  await (await lockHome(home)).release();
});

test('a lock of a dead process is taken over', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const pid = child.pid ?? 0;
  await new Promise((resolve) => child.once('exit', resolve));
  await writeFile(join(home, 'runner.lock'), JSON.stringify({ ...ownIdentity(), pid, startTicks: '1' }));
  await (await lockHome(home)).release();
});

test('a pid that belongs to another process now, or to another boot, is not believed', async () => {
  for (const holder of [
    { ...ownIdentity(), startTicks: '1' },
    { ...ownIdentity(), bootId: 'another boot' },
  ]) {
    await writeFile(join(home, 'runner.lock'), JSON.stringify(holder));
    await (await lockHome(home)).release();
  }
});

test('an identity is made once and stays; a broken one is an error that says what to do, not a new identity', async () => {
  const first = await loadIdentity(home);
  expect(first.token).toMatch(/^rbr_[A-Za-z0-9_-]{43}$/);
  expect(await loadIdentity(home)).toEqual(first);
  await writeFile(join(home, 'identity.json'), '{"formatVersion":1');
  await expect(loadIdentity(home)).rejects.toMatchObject({
    code: 'runner_home_unusable',
    message: expect.stringContaining('identity.json'),
  });
});
