import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CompanyId, createId, type RunId } from '../../src/supervisor/model/index.js';
import type { LogPage, LogReadQuery, LogRecord, LogRunKey, LogStore } from '../../src/supervisor/ports/index.js';

export interface LogStoreUnderTest {
  readonly store: LogStore;
  /** A second store over the same data, as another server process would have it. */
  openAnother(): Promise<LogStore>;
  close(): Promise<void>;
}

const at = '2026-01-02T03:04:05.678Z';

export function newRunKey(): LogRunKey {
  return { companyId: createId<CompanyId>(), runId: createId<RunId>() };
}

export function record(text: string, more: { stream?: OutputStreamV1; cursor?: string | null } = {}): Omit<LogRecord, 'seq'> {
  return { at, stream: more.stream ?? 'stdout', text, cursor: more.cursor ?? null };
}

/** All records, page by page. */
export async function readAll(store: LogStore, run: LogRunKey, query: Omit<LogReadQuery, 'offset'>): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let page: LogPage = await store.read(run, query);
  records.push(...page.records);
  while (page.nextOffset < page.endOffset) {
    const { nextOffset } = page;
    const rest = query.stream === undefined ? {} : { stream: query.stream };
    page = await store.read(run, { offset: nextOffset, limitBytes: query.limitBytes, ...rest });
    expect(page.nextOffset).toBeGreaterThan(nextOffset);
    records.push(...page.records);
  }
  return records;
}

/** What every log store must do. */
export function logStoreConformance(
  name: string,
  create: () => Promise<LogStoreUnderTest>,
  options: { propertyRuns: number },
): void {
  describe(`log store ${name}`, () => {
    let under: LogStoreUnderTest;
    let store: LogStore;
    beforeEach(async () => {
      under = await create();
      store = under.store;
    });
    afterEach(async () => {
      await under.close();
    });

    it('gives an empty page for a run without a log', async () => {
      const run = newRunKey();
      expect(await store.read(run, { limitBytes: 100 })).toEqual({ records: [], nextOffset: 0, endOffset: 0 });
      expect(await store.read(run, { tailLines: 3, limitBytes: 100 })).toEqual({ records: [], nextOffset: 0, endOffset: 0 });
      expect(await store.readText(run, { offset: 0, limitBytes: 100 })).toEqual({ text: '', nextOffset: 0, endOffset: 0 });
      expect(await store.position(run)).toEqual({ lastSeq: 0, endOffset: 0, lastCursor: null });
      await store.remove(run);
    });

    it('stores records in order with seq, stream, time and cursor, and knows where they end', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      expect(appender.position()).toEqual({ lastSeq: 0, endOffset: 0, lastCursor: null });
      const stored = await appender.append([record('äö\n', { cursor: 'c1' }), record('err', { stream: 'stderr' })]);
      expect(stored.map((entry) => entry.seq)).toEqual([1, 2]);
      await appender.append([record('\u{1F600}"\\', { stream: 'system' })]);
      expect(appender.position()).toEqual({ lastSeq: 3, endOffset: 14, lastCursor: 'c1' });
      await appender.sync();
      await appender.close();
      expect(await store.position(run)).toEqual({ lastSeq: 3, endOffset: 14, lastCursor: 'c1' });
      expect((await store.read(run, { limitBytes: 1_000 })).records).toEqual([
        { seq: 1, ...record('äö\n', { cursor: 'c1' }) },
        { seq: 2, ...record('err', { stream: 'stderr' }) },
        { seq: 3, ...record('\u{1F600}"\\', { stream: 'system' }) },
      ]);
      const text = await store.readText(run, { offset: 0, limitBytes: 1_000 });
      expect(text).toEqual({ text: 'äö\nerr\u{1F600}"\\', nextOffset: 14, endOffset: 14 });
    });

    it('keeps the order of calls that are not awaited', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await Promise.all(Array.from({ length: 20 }, (_, index) => appender.append([record(`${index},`)])));
      await appender.close();
      const { text } = await store.readText(run, { offset: 0, limitBytes: 1_000 });
      expect(text).toBe(Array.from({ length: 20 }, (_, index) => `${index},`).join(''));
    });

    it('goes on where another process stopped, with the last cursor however far back it lies', async () => {
      const run = newRunKey();
      const first = await store.openForAppend(run, 1);
      await first.append([record('a', { cursor: 'resume, "here"' })]);
      for (let index = 0; index < 30; index += 1) await first.append([record(`line ${index}\n`)]);
      await first.close();
      const another = await under.openAnother();
      const second = await another.openForAppend(run, 2);
      expect(second.position()).toMatchObject({ lastSeq: 31, lastCursor: 'resume, "here"' });
      const [next] = await second.append([record('b', { cursor: 'next' })]);
      expect(next?.seq).toBe(32);
      await second.close();
      await another.close();
      expect((await store.read(run, { afterSeq: 31, limitBytes: 100 })).records).toEqual([
        { seq: 32, ...record('b', { cursor: 'next' }) },
      ]);
    });

    it('refuses the appender of an older epoch, opened before or after', async () => {
      const run = newRunKey();
      const older = await store.openForAppend(run, 1);
      await older.append([record('kept')]);
      const newer = await store.openForAppend(run, 2);
      await expect(older.append([record('lost')])).rejects.toMatchObject({ code: 'log_fenced' });
      await expect(store.openForAppend(run, 1)).rejects.toMatchObject({ code: 'log_fenced' });
      const another = await under.openAnother();
      await expect(another.openForAppend(run, 1)).rejects.toMatchObject({ code: 'log_fenced' });
      await another.close();
      await newer.append([record(' and more')]);
      await Promise.all([older.close(), newer.close()]);
      expect((await store.readText(run, { offset: 0, limitBytes: 100 })).text).toBe('kept and more');
    });

    it('rejects an offset that is not on a border', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('abc'), record('def')]);
      await appender.close();
      for (const offset of [1, 2, 4, 5, 7, -1, 1e9, Number.NaN]) {
        await expect(store.read(run, { offset, limitBytes: 10 }), `offset ${offset}`).rejects.toMatchObject({
          code: 'log_offset_invalid',
        });
        await expect(store.readText(run, { offset, limitBytes: 10 }), `offset ${offset}`).rejects.toMatchObject({
          code: 'log_offset_invalid',
        });
      }
      expect((await store.read(run, { offset: 3, limitBytes: 10 })).records).toHaveLength(1);
      expect(await store.read(run, { offset: 6, limitBytes: 10 })).toEqual({ records: [], nextOffset: 6, endOffset: 6 });
    });

    it('gives at least one record, then as many as fit', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('0123456789'), record('ab'), record('cd'), record('efghij')]);
      await appender.close();
      const page = await store.read(run, { offset: 0, limitBytes: 4 });
      expect(page).toMatchObject({ nextOffset: 10, endOffset: 20 });
      expect(page.records.map((entry) => entry.text)).toEqual(['0123456789']);
      expect((await store.read(run, { offset: 10, limitBytes: 4 })).records.map((entry) => entry.text)).toEqual(['ab', 'cd']);
      expect(await store.readText(run, { offset: 0, limitBytes: 4 })).toMatchObject({ text: '0123456789', nextOffset: 10 });
      expect(await store.readText(run, { offset: 10, limitBytes: 5 })).toMatchObject({ text: 'abcd', nextOffset: 14 });
    });

    it('gives one stream alone', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      for (let index = 0; index < 12; index += 1) {
        await appender.append([record(`o${index}\n`), record(`e${index}\n`, { stream: 'stderr' })]);
      }
      await appender.close();
      const errors = await readAll(store, run, { stream: 'stderr', limitBytes: 7 });
      expect(errors.map((entry) => entry.text)).toEqual(Array.from({ length: 12 }, (_, index) => `e${index}\n`));
      expect((await store.readText(run, { offset: 0, limitBytes: 1_000, stream: 'stderr' })).text).toBe(
        errors.map((entry) => entry.text).join(''),
      );
      expect(await readAll(store, run, { stream: 'system', limitBytes: 7 })).toEqual([]);
    });

    it('gives the last lines, cut inside a record where they begin', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('one\ntwo\nthr'), record('ee\n'), record('E\n', { stream: 'stderr' }), record('four\nfive')]);
      await appender.close();
      const tail = async (tailLines: number, stream?: OutputStreamV1): Promise<string> => {
        const page = await store.read(run, { tailLines, limitBytes: 1_000, ...(stream === undefined ? {} : { stream }) });
        expect(page.nextOffset).toBe(page.endOffset);
        return page.records.map((entry) => entry.text).join('');
      };
      expect(await tail(0)).toBe('');
      expect(await tail(1)).toBe('five');
      expect(await tail(2)).toBe('four\nfive');
      expect(await tail(3)).toBe('E\nfour\nfive');
      expect(await tail(4)).toBe('three\nE\nfour\nfive');
      expect(await tail(5)).toBe('two\nthree\nE\nfour\nfive');
      expect(await tail(99)).toBe('one\ntwo\nthree\nE\nfour\nfive');
      expect(await tail(1, 'stderr')).toBe('E\n');
      expect(await tail(3, 'stdout')).toBe('three\nfour\nfive');
    });

    it('keeps a record without text, which may carry a cursor', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('', { cursor: 'start' })]);
      await appender.append([record('x'), record('', { cursor: 'mark' })]);
      await appender.append([record('y')]);
      await appender.close();
      const records = await readAll(store, run, { limitBytes: 1 });
      expect(records.map((entry) => [entry.seq, entry.text, entry.cursor])).toEqual([
        [1, '', 'start'],
        [2, 'x', null],
        [3, '', 'mark'],
        [4, 'y', null],
      ]);
    });

    it('keeps characters that databases dislike', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('a\0b\u001b[31m\r\n', { cursor: 'c\0d' })]);
      await appender.close();
      expect((await store.read(run, { limitBytes: 100 })).records).toEqual([
        { seq: 1, ...record('a\0b\u001b[31m\r\n', { cursor: 'c\0d' }) },
      ]);
    });

    it('is gone after removal and can begin anew', async () => {
      const run = newRunKey();
      const appender = await store.openForAppend(run, 1);
      await appender.append([record('old')]);
      await appender.close();
      await store.remove(run);
      expect(await store.position(run)).toEqual({ lastSeq: 0, endOffset: 0, lastCursor: null });
      const again = await store.openForAppend(run, 1);
      await again.append([record('new')]);
      await again.close();
      expect((await store.readText(run, { offset: 0, limitBytes: 10 })).text).toBe('new');
    });

    it('lets readers with pages of any size join the same bytes while the log grows', async () => {
      const batches = fc.array(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('stdout', 'stderr')), {
          minLength: 1,
          maxLength: 6,
        }),
        { minLength: 1, maxLength: 12 },
      );
      const limits = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 2, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(batches, limits, async (written, pageSizes) => {
          const run = newRunKey();
          const appender = await store.openForAppend(run, 1);
          let isWritten = false;
          const readers = pageSizes.map(async (limitBytes) => {
            const seen: LogRecord[] = [];
            for (let offset = 0; ; ) {
              const isLast = isWritten;
              const page = await store.read(run, { offset, limitBytes });
              seen.push(...page.records);
              if (isLast && page.nextOffset === page.endOffset) return seen;
              offset = page.nextOffset;
            }
          });
          for (const batch of written) {
            await appender.append(batch.map(([text, stream]) => record(text, { stream: stream as OutputStreamV1 })));
          }
          isWritten = true;
          const expected = written.flat().filter(([text]) => text !== '');
          for (const seen of await Promise.all(readers)) {
            expect(seen.filter((entry) => entry.text !== '').map((entry) => [entry.text, entry.stream])).toEqual(expected);
          }
          await appender.close();
          const whole = written
            .flat()
            .map(([text]) => text)
            .join('');
          let joined = '';
          for (let offset = 0; offset < Buffer.byteLength(whole); ) {
            const page = await store.readText(run, { offset, limitBytes: pageSizes[0] ?? 1 });
            joined += page.text;
            offset = page.nextOffset;
          }
          expect(joined).toBe(whole);
        }),
        { numRuns: options.propertyRuns, endOnFailure: true },
      );
    });
  });
}
