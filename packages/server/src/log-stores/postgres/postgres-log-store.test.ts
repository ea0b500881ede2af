import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/database/test-database.js';
import { logStoreConformance, newRunKey, record } from '../../../test/log-stores/log-store-conformance.js';
import type { Executor } from '../../db/executor.js';
import { createPostgresLogStore } from './postgres-log-store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
});
afterAll(async () => {
  await database.drop();
});

logStoreConformance(
  'postgres',
  () => {
    const store = createPostgresLogStore({ database });
    return Promise.resolve({
      store,
      openAnother: () => Promise.resolve(createPostgresLogStore({ database })),
      close: () => store.close(),
    });
  },
  { propertyRuns: 8 },
);

describe('postgres log store', () => {
  /** The database as it is, but the answer to the next append is lost: before or after it took effect. */
  function withLostAnswer(when: 'before' | 'after'): Executor {
    let isLost = false;
    const client = {
      async query(config: { name: string }) {
        if (config.name !== 'run_log_append' || isLost) return database.pool.query(config as never);
        isLost = true;
        if (when === 'after') await database.pool.query(config as never);
        throw Object.assign(new RangeError('lost'), { code: 'ECONNRESET' });
      },
    };
    return { $client: client } as unknown as Executor;
  }

  it.each(['before', 'after'] as const)(
    'stores a repeated append once when the connection was lost %s it took effect',
    async (when) => {
      const run = newRunKey();
      const store = createPostgresLogStore({ database: { executor: withLostAnswer(when) } });
      const appender = await store.openForAppend(run, 1);
      const batch = [record('one'), record('two', { cursor: 'c' })];
      await expect(appender.append(batch)).rejects.toMatchObject({ code: 'log_store_unavailable' });
      expect((await appender.append([...batch])).map((one) => one.seq)).toEqual([1, 2]);
      await appender.append([record('three')]);
      expect(appender.position()).toEqual({ lastSeq: 3, endOffset: 11, lastCursor: 'c' });
      const { records } = await store.read(run, { limitBytes: 100 });
      expect(records.map((one) => one.text)).toEqual(['one', 'two', 'three']);
    },
  );

  it('goes on behind an append that took effect when the caller gave it up', async () => {
    const run = newRunKey();
    const store = createPostgresLogStore({ database: { executor: withLostAnswer('after') } });
    const appender = await store.openForAppend(run, 1);
    await expect(appender.append([record('one')])).rejects.toMatchObject({ code: 'log_store_unavailable' });
    expect((await appender.append([record('two')])).map((one) => one.seq)).toEqual([2]);
    expect((await store.readText(run, { offset: 0, limitBytes: 100 })).text).toBe('onetwo');
  });
});
