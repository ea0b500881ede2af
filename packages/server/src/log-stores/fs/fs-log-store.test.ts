import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logStoreConformance, newRunKey, record } from '../../../test/log-stores/log-store-conformance.js';
import type { LogRunKey } from '../../supervisor/ports/index.js';
import { createFsLogStore } from './fs-log-store.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-logs-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

logStoreConformance(
  'fs',
  () => {
    const store = createFsLogStore({ folder });
    return Promise.resolve({
      store,
      openAnother: () => Promise.resolve(createFsLogStore({ folder })),
      close: () => store.close(),
    });
  },
  { propertyRuns: 60 },
);

describe('log files', () => {
  const files = (run: LogRunKey) => ({
    log: join(folder, run.companyId, run.runId, 'log'),
    index: join(folder, run.companyId, run.runId, 'index'),
  });

  /** Three records; returns the whole files and the ends of the records in both. */
  async function written(run: LogRunKey) {
    const store = createFsLogStore({ folder });
    const appender = await store.openForAppend(run, 1);
    const ends: { text: number; index: number; seq: number }[] = [{ text: 0, index: 0, seq: 0 }];
    for (const text of ['erste Zeile ä\n', 'zwei', '\u{1F600} drei\n']) {
      await appender.append([record(text, { cursor: `after ${text}` })]);
      const sizes = await Promise.all([readFile(files(run).log), readFile(files(run).index)]);
      ends.push({ text: sizes[0].length, index: sizes[1].length, seq: ends.length });
    }
    await store.close();
    return { ends, log: await readFile(files(run).log), index: await readFile(files(run).index) };
  }

  it('are the plain text and one line per record', async () => {
    const run = newRunKey();
    const { log, index } = await written(run);
    expect(log.toString()).toBe('erste Zeile ä\nzwei\u{1F600} drei\n');
    expect(
      index
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { seq: 1, at: '2026-01-02T03:04:05.678Z', stream: 'stdout', offset: 0, length: 15, cursor: 'after erste Zeile ä\n' },
      { seq: 2, at: '2026-01-02T03:04:05.678Z', stream: 'stdout', offset: 15, length: 4, cursor: 'after zwei' },
      { seq: 3, at: '2026-01-02T03:04:05.678Z', stream: 'stdout', offset: 19, length: 10, cursor: 'after \u{1F600} drei\n' },
    ]);
  });

  it('torn at any byte of the index end at the last whole record, for readers before and for writers after the cut', async () => {
    const run = newRunKey();
    const { ends, log, index } = await written(run);
    for (let size = 0; size <= index.length; size += 1) {
      await writeFile(files(run).log, log);
      await writeFile(files(run).index, index.subarray(0, size));
      const whole = ends.findLast((end) => end.index <= size) ?? { text: 0, index: 0, seq: 0 };
      const store = createFsLogStore({ folder });
      const page = await store.read(run, { limitBytes: 1_000 });
      expect([page.records.length, page.endOffset], `index of ${size} bytes`).toEqual([whole.seq, whole.text]);
      const appender = await store.openForAppend(run, 1);
      expect(appender.position()).toMatchObject({ lastSeq: whole.seq, endOffset: whole.text });
      await appender.append([record('next')]);
      await store.close();
      expect((await readFile(files(run).log)).toString()).toBe(`${log.toString('utf8', 0, whole.text)}next`);
    }
  });

  it('whose text is shorter than the index says end at the last record whose text is whole', async () => {
    const run = newRunKey();
    const { ends, log, index } = await written(run);
    for (let size = 0; size <= log.length; size += 1) {
      await writeFile(files(run).index, index);
      await writeFile(files(run).log, log);
      await truncate(files(run).log, size);
      const whole = ends.findLast((end) => end.text <= size) ?? { text: 0, index: 0, seq: 0 };
      const store = createFsLogStore({ folder });
      const appender = await store.openForAppend(run, 1);
      expect(appender.position(), `text of ${size} bytes`).toMatchObject({ lastSeq: whole.seq, endOffset: whole.text });
      await store.close();
      expect((await readFile(files(run).index)).length).toBe(whole.index);
      expect((await readFile(files(run).log)).length).toBe(whole.text);
    }
  });

  it('with text behind the last record are cut to it on open', async () => {
    const run = newRunKey();
    const { log } = await written(run);
    await appendFile(files(run).log, 'written, and died before the index');
    const store = createFsLogStore({ folder });
    await store.openForAppend(run, 2);
    await store.close();
    expect(await readFile(files(run).log)).toEqual(log);
  });

  it('of another process that took over refuse the old writer within a second or so', async () => {
    const run = newRunKey();
    const ours = createFsLogStore({ folder });
    const theirs = createFsLogStore({ folder });
    const old = await ours.openForAppend(run, 1);
    await theirs.openForAppend(run, 2);
    const deadline = Date.now() + 20_000;
    let code: unknown;
    while (code === undefined && Date.now() < deadline) {
      code = await old.append([]).then(
        () => undefined,
        (error: { code: unknown }) => error.code,
      );
    }
    expect(code).toBe('log_fenced');
    await Promise.all([ours.close(), theirs.close()]);
  });

  it('are found through thousands of records by offset, by seq and from the end', async () => {
    const run = newRunKey();
    const store = createFsLogStore({ folder });
    const appender = await store.openForAppend(run, 1);
    const count = 30_000;
    const lineAt = (index: number) => `line number ${index} ${'.'.repeat(index % 70)}\n`;
    const offsets: number[] = [];
    let offset = 0;
    for (let index = 0; index < count; index += 500) {
      const batch = Array.from({ length: 500 }, (_, place) => lineAt(index + place));
      for (const line of batch) {
        offsets.push(offset);
        offset += line.length;
      }
      await appender.append(
        batch.map((line, place) => record(line, { cursor: place % 3 === 0 ? `c${'x'.repeat(place)}` : null })),
      );
    }
    for (const index of [0, 1, 2, 77, 499, 500, 12_345, 29_998, 29_999]) {
      const byOffset = await store.read(run, { offset: offsets[index] ?? 0, limitBytes: 1 });
      expect(byOffset.records.map((entry) => entry.text)).toEqual([lineAt(index)]);
      const bySeq = await store.read(run, { afterSeq: index, limitBytes: 1 });
      expect(bySeq.records.map((entry) => [entry.seq, entry.text])).toEqual([[index + 1, lineAt(index)]]);
      await expect(store.read(run, { offset: (offsets[index] ?? 0) + 1, limitBytes: 1 })).rejects.toMatchObject({
        code: 'log_offset_invalid',
      });
    }
    const tail = await store.read(run, { tailLines: 2_000, limitBytes: 1e9 });
    expect(tail.records.map((entry) => entry.text)).toEqual(
      Array.from({ length: 2_000 }, (_, index) => lineAt(count - 2_000 + index)),
    );
    await store.close();
  });

  it.each(['log', 'index'] as const)(
    'on a full disk show nothing of the failed append (the %s cannot be written)',
    async (fullFile) => {
      const run = newRunKey();
      const { log, index } = files(run);
      await mkdir(join(folder, run.companyId, run.runId), { recursive: true });
      // A device on which there is never any room.
      await symlink('/dev/full', fullFile === 'log' ? log : index);
      const store = createFsLogStore({ folder });
      const appender = await store.openForAppend(run, 1);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await expect(appender.append([record('lost'), record('too')])).rejects.toMatchObject({ code: 'log_store_full' });
        expect(appender.position()).toEqual({ lastSeq: 0, endOffset: 0, lastCursor: null });
        expect(await store.read(run, { limitBytes: 100 })).toEqual({ records: [], nextOffset: 0, endOffset: 0 });
      }
      // Of the file that took its part nothing is left.
      expect((await stat(fullFile === 'log' ? index : log)).size).toBe(0);
      await appender.close();
      // Room again: the caller repeats what it still has.
      await rm(fullFile === 'log' ? log : index);
      const again = await store.openForAppend(run, 1);
      expect((await again.append([record('lost'), record('too')])).map((one) => one.seq)).toEqual([1, 2]);
      expect((await store.readText(run, { offset: 0, limitBytes: 100 })).text).toBe('losttoo');
      await store.close();
    },
  );

  it('do not lie outside the folder, whatever an id contains', async () => {
    const store = createFsLogStore({ folder: join(folder, 'inner') });
    const run = { companyId: '..', runId: '../../escape' } as unknown as LogRunKey;
    await (await store.openForAppend(run, 1)).close();
    await store.close();
    expect(await readdir(folder)).toEqual(['inner']);
  });
});
