import { spawn } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity, processRow } from '@runbeat/adapter-sdk/processes';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holdingChangeLock } from './change-lock.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-change-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('of many at once one works at a time, and all get their turn', async () => {
  const counter = join(folder, 'counter');
  await writeFile(counter, '0');
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, () =>
      holdingChangeLock(folder, { limitMs: 30_000 }, async () => {
        inside += 1;
        expect(inside).toBe(1);
        const seen = Number(await readFile(counter, 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
        await writeFile(counter, String(seen + 1));
        inside -= 1;
      }),
    ),
  );
  expect(await readFile(counter, 'utf8')).toBe('20');
  expect(await readdir(join(folder, '.lock'))).toEqual(['20']);
});

test('a failure of the work frees the lock and comes out as it is', async () => {
  const failure = new TypeError('no');
  await expect(holdingChangeLock(folder, { limitMs: 1_000 }, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await holdingChangeLock(folder, { limitMs: 1_000 }, async () => 'free')).toBe('free');
});

test('a holder that keeps it is named when the time is up', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHolding = (): void => {};
  const holding = new Promise<void>((resolve) => {
    isHolding = resolve;
  });
  const first = holdingChangeLock(folder, { limitMs: 1_000 }, () => {
    isHolding();
    return held;
  });
  await holding;
  await expect(holdingChangeLock(folder, { limitMs: 60 }, async () => undefined)).rejects.toMatchObject({
    code: 'runner_adapters_busy',
    message: expect.stringContaining(String(process.pid)),
  });
  const givingUp = new AbortController();
  const wait = holdingChangeLock(folder, { limitMs: 60_000, signal: givingUp.signal }, async () => undefined);
  givingUp.abort();
  await expect(wait).rejects.toMatchObject({ code: 'runner_adapters_busy', message: expect.stringContaining('given up') });
  release();
  await first;
});

test('the lock of a process that died, of another boot, or cut off by a crash is free, for exactly one of those that wait', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const pid = child.pid ?? 0;
  const startTicks = (await processRow(pid))?.startTicks ?? null;
  await new Promise((resolve) => child.once('exit', resolve));
  const lock = join(folder, '.lock');
  await mkdir(lock);
  const left = [
    JSON.stringify({ ...ownIdentity(), pid, startTicks }),
    JSON.stringify({ ...ownIdentity(), bootId: 'another boot' }),
    JSON.stringify({ ...ownIdentity(), startTicks: '1' }),
    '{"pid":',
    '',
  ];
  for (const [index, text] of left.entries()) {
    const number = (index + 1) * 100;
    await writeFile(join(lock, 'left'), text);
    await link(join(lock, 'left'), join(lock, String(number)));
    await rm(join(lock, 'left'));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        holdingChangeLock(folder, { limitMs: 20_000 }, async () => {
          inside += 1;
          await new Promise((resolve) => setImmediate(resolve));
          expect(inside).toBe(1);
          inside -= 1;
        }),
      ),
    );
    expect(await readdir(lock)).toEqual([String(number + 5)]);
  }
});
