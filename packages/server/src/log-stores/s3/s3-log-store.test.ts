import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logStoreConformance, newRunKey, readAll, record } from '../../../test/log-stores/log-store-conformance.js';
import { type ObjectServer, startObjectServer } from '../../../test/log-stores/object-server.js';
import { countingSegments, type SegmentName } from './log-segment.js';
import { createS3LogStore } from './s3-log-store.js';

let server: ObjectServer;
beforeAll(async () => {
  server = await startObjectServer();
});
afterAll(async () => {
  await server.close();
});

const open = () =>
  createS3LogStore({
    bucket: 'logs',
    prefix: 'runbeat/',
    endpoint: server.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });

logStoreConformance(
  's3',
  async () => {
    const store = await open();
    return { store, openAnother: open, close: () => store.close() };
  },
  { propertyRuns: 4 },
);

describe('s3 log store', () => {
  it('seals segments as they grow and reads over their borders', async () => {
    const run = newRunKey();
    const store = await open();
    const appender = await store.openForAppend(run, 1);
    const texts = Array.from({ length: 24 }, (_, index) => `${index}:${'x'.repeat(50_000)}\n`);
    for (const text of texts) await appender.append([record(text)]);
    await appender.close();
    const keys = [...server.objects.keys()].filter((key) => key.includes(run.runId));
    expect(keys.length).toBeGreaterThan(3);
    expect((await readAll(store, run, { limitBytes: 120_000 })).map((one) => one.text)).toEqual(texts);
    expect((await store.readText(run, { offset: 0, limitBytes: 1e9 })).text).toBe(texts.join(''));
    await store.remove(run);
    expect([...server.objects.keys()].filter((key) => key.includes(run.runId))).toEqual([]);
    await store.close();
  });

  it('does not show what an old owner wrote after it had lost the log', async () => {
    const run = newRunKey();
    const [old, next] = [await open(), await open()];
    const oldAppender = await old.openForAppend(run, 1);
    await oldAppender.append([record('before')]);
    const nextAppender = await next.openForAppend(run, 2);
    // Within the second in which it does not look, the old owner still writes.
    await oldAppender.append([record(' lost')]);
    await nextAppender.append([record(' after')]);
    expect((await next.readText(run, { offset: 0, limitBytes: 100 })).text).toBe('before after');
    expect((await next.position(run)).lastSeq).toBe(2);
    await Promise.all([old.close(), next.close()]);
  });

  it('tells a used-up quota from other failures, shows nothing of the failed append, and takes it when it is repeated', async () => {
    const run = newRunKey();
    const store = await open();
    const appender = await store.openForAppend(run, 1);
    server.failUploads = { status: 403, code: 'QuotaExceeded' };
    await expect(appender.append([record('x')])).rejects.toMatchObject({ code: 'log_store_full' });
    server.failUploads = { status: 403, code: 'AccessDenied' };
    await expect(appender.append([record('x')])).rejects.toMatchObject({ code: 'log_store_unavailable' });
    server.failUploads = null;
    expect((await store.read(run, { limitBytes: 10 })).records).toEqual([]);
    expect((await appender.append([record('x')]))[0]?.seq).toBe(1);
    await store.close();
  });

  it('counts segments of an epoch up to where the next owner began, over several owners', () => {
    const name = (epoch: number, firstSeq: number): SegmentName => ({
      key: `${epoch}.${firstSeq}`,
      epoch,
      firstSeq,
      startOffset: 0,
    });
    const counting = countingSegments([name(1, 1), name(1, 5), name(1, 9), name(2, 6), name(3, 6), name(3, 8)]);
    expect(counting.map(({ name: { key }, untilSeq }) => [key, untilSeq])).toEqual([
      ['1.1', 6],
      ['1.5', 6],
      ['3.6', Number.POSITIVE_INFINITY],
      ['3.8', Number.POSITIVE_INFINITY],
    ]);
  });
});
