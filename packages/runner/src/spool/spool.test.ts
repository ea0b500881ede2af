import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnerLogLine } from '@runbeat/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRunnerClock } from '../runner-clock.js';
import { openSpool, type SpoolOptions } from './spool.js';
import { chainBehind } from './spool-line.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-spool-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const path = (): string => join(folder, 'log');
const open = (options: Partial<SpoolOptions> = {}) =>
  openSpool({ path: path(), clock: systemRunnerClock, bufferBytes: 10_000, limitBytes: 1_000_000, retryMs: 10, ...options });
const line = (text: string, cursor?: string): RunnerLogLine => ({
  k: 'log',
  s: 'stdout',
  t: text,
  at: '2026-01-01T00:00:00.000Z',
  ...(cursor === undefined ? {} : { c: cursor }),
});
const textsOf = (bytes: Buffer | string): string[] =>
  String(bytes)
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => (JSON.parse(text) as { t: string }).t);

test('what is accepted is in the file, in order, and the chain is that of the file', async () => {
  const spool = await open();
  await Promise.all(['a', 'b\nb', 'ü€😀'].map((text) => spool.append(line(text))));
  expect(await spool.sync()).toBe(spool.end());
  const bytes = await readFile(path());
  expect(textsOf(bytes)).toEqual(['a', 'b\nb', 'ü€😀']);
  let chain = '';
  for (const text of bytes.toString().split(/(?<=\n)/)) chain = chainBehind(chain, Buffer.from(text));
  expect(spool.chain()).toBe(chain);
  await spool.close();
});

test('opened again after a torn write it ends behind the last whole line, and knows its cursor and chain', async () => {
  const first = await open();
  await first.append(line('one', 'c1'));
  await first.append(line('two', 'c2'));
  await first.append({ k: 'event', at: 'now', type: 'x', level: 'info', message: 'm' });
  await first.close();
  const before = { end: first.end(), chain: first.chain() };
  await appendFile(path(), '{"k":"log","s":"stdout","t":"torn');
  const second = await open();
  expect({ end: second.end(), chain: second.chain() }).toEqual(before);
  expect(second.lastCursor()).toBe('c2');
  await second.append(line('three', 'c3'));
  await second.close();
  expect(textsOf(await readFile(path())).filter((text) => text !== undefined)).toEqual(['one', 'two', 'three']);
});

test('garbage in the middle (a crash of the machine) ends the log there', async () => {
  const first = await open();
  await first.append(line('one', 'c1'));
  await first.close();
  await appendFile(path(), `${'\0'.repeat(30)}\n${JSON.stringify(line('after'))}\n`);
  const second = await open();
  expect(second.end()).toBe(first.end());
  expect((await stat(path())).size).toBe(first.end());
  await second.close();
});

test('reading gives whole lines up to the limit, and nothing at the end', async () => {
  const spool = await open();
  for (let n = 0; n < 50; n += 1) await spool.append(line(`line ${n}`));
  await spool.sync();
  const read: string[] = [];
  for (let from = 0; ; ) {
    const bytes = await spool.read(from, 300);
    if (bytes.length === 0) break;
    expect(bytes.at(-1)).toBe(0x0a);
    read.push(...textsOf(bytes));
    from += bytes.length;
  }
  expect(read).toEqual(Array.from({ length: 50 }, (_, n) => `line ${n}`));
  await spool.close();
});

describe('a full disk', () => {
  test('holds output back, says why, writes short writes to their end, and loses nothing when there is room again', async () => {
    let isFull = true;
    let calls = 0;
    const spool = await open({
      write: async (file, bytes, position) => {
        calls += 1;
        if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        // Half of it fits each time.
        const { bytesWritten } = await file.write(bytes, 0, Math.max(1, bytes.length >> 1), position);
        return bytesWritten;
      },
    });
    let accepted = 0;
    const appends = Array.from({ length: 100 }, (_, n) =>
      spool.append(line(`${n} ${'x'.repeat(500)}`)).then(() => (accepted += 1)),
    );
    await expect.poll(() => spool.blockedReason()).toMatch(/ENOSPC/);
    await expect.poll(() => calls).toBeGreaterThan(2);
    expect(accepted).toBeLessThan(100);
    isFull = false;
    await Promise.all(appends);
    await spool.close();
    expect(spool.blockedReason()).toBeNull();
    expect(textsOf(await readFile(path())).map((text) => Number(text.split(' ')[0]))).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    );
  });

  test('does not hold the end of the process back', async () => {
    const spool = await open({
      write: async () => {
        throw new Error('ENOSPC');
      },
    });
    await spool.append(line('lost'));
    await spool.abandon();
    const again = await open();
    expect(again.end()).toBe(0);
    await again.close();
  });
});

test('above the limit output is counted and dropped, and the log says so once; events still come through', async () => {
  const spool = await open({ limitBytes: 2_000 });
  for (let n = 0; n < 100; n += 1) await spool.append(line('x'.repeat(100)));
  await spool.append({ k: 'event', at: 'now', type: 'kept', level: 'info', message: 'm' });
  await spool.close();
  const lines = (await readFile(path(), 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as RunnerLogLine);
  const kept = lines.filter((one) => one.k === 'log' && one.s === 'stdout').length;
  expect(lines.filter((one) => one.k === 'log' && one.s === 'system')).toHaveLength(1);
  expect(spool.droppedBytes()).toBe((100 - kept) * 100);
  expect(lines.at(-1)).toMatchObject({ k: 'event', type: 'kept' });
});

test('cut anywhere, the log that is found is a whole-line prefix of what was written', async () => {
  const spool = await open();
  for (let n = 0; n < 30; n += 1) await spool.append(line(`line ${n} äöü😀`, `c${n}`));
  await spool.close();
  const bytes = await readFile(path());
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), async (cut) => {
      await rm(path());
      await appendFile(path(), bytes.subarray(0, cut));
      const found = await open();
      const end = found.end();
      await found.close();
      expect(end).toBeLessThanOrEqual(cut);
      expect(bytes.subarray(0, end).equals(await readFile(path()))).toBe(true);
      expect(end === 0 || bytes[end - 1] === 0x0a).toBe(true);
    }),
    { numRuns: 60 },
  );
});
