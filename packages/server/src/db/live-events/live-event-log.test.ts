import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/database/test-database.js';
import { type CompanyId, createId, type LiveEvent } from '../../supervisor/model/index.js';
import { noLogger, type RunStore } from '../../supervisor/ports/index.js';
import { createPostgresRunStore } from '../run-store/index.js';
import { createLiveEventLog, type LiveEventLog } from './live-event-log.js';

const at = new Date('2026-01-02T03:04:05.678Z');
let database: TestDatabase;
let store: RunStore;
let log: LiveEventLog;
let companyId: CompanyId;

beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  store = createPostgresRunStore(database);
});
afterAll(async () => {
  await database.drop();
});
beforeEach(async () => {
  await database.clear();
  companyId = createId<CompanyId>();
  log = createLiveEventLog({ database, logger: noLogger });
});
afterEach(async () => {
  await log.stop();
});

const append = (types: readonly string[], time = at): Promise<void> =>
  store.transaction((tx) => tx.appendLiveEvents(types.map((type) => ({ companyId, type, data: { type }, at: time }))));
const read = (afterId = 0): Promise<readonly LiveEvent[]> => log.read(companyId, { afterId, limit: 1_000 });

/** Resolves when a listener was told and the condition holds then. */
function whenTold(source: LiveEventLog, condition: () => Promise<boolean>): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = source.onAdded(() => {
      condition().then((isMet) => {
        if (!isMet) return;
        stop();
        resolve();
      }, reject);
    });
  });
}

describe('live event log', () => {
  it('delivers nothing before it is numbered, then everything in order of insertion', async () => {
    await append(['a', 'b']);
    await append(['c']);
    expect(await read()).toEqual([]);
    expect(await log.bounds(companyId)).toEqual({ oldestId: null, newestId: 0 });
    expect(await log.numberCommitted(companyId)).toBe(3);
    expect(await log.numberCommitted(companyId)).toBe(0);
    expect(await read()).toEqual(['a', 'b', 'c'].map((type, index) => ({ id: index + 1, companyId, type, data: { type }, at })));
    expect((await read(2)).map((event) => event.type)).toEqual(['c']);
    expect(await log.bounds(companyId)).toEqual({ oldestId: 1, newestId: 3 });
  });

  it('gives an event that commits late a number behind those that were delivered', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let inserted = (): void => undefined;
    const isInserted = new Promise<void>((resolve) => (inserted = resolve));
    const late = store.transaction(async (tx) => {
      await tx.appendLiveEvents([{ companyId, type: 'late', data: null, at }]);
      // A read, so that the insert has happened.
      await tx.getRun(createId());
      inserted();
      await held;
    });
    await isInserted;
    await append(['early']);
    await log.numberCommitted(companyId);
    expect((await read()).map((event) => [event.id, event.type])).toEqual([[1, 'early']]);
    release();
    await late;
    await log.numberCommitted(companyId);
    expect((await read(1)).map((event) => [event.id, event.type])).toEqual([[2, 'late']]);
  });

  it('numbers without a gap or a double while many write, roll back and number at once', async () => {
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let round = 0; round < 15; round += 1) {
        const events = Array.from({ length: 1 + (round % 3) }, (_unused, place) => `${writer}.${round}.${place}`);
        if (round % 4 === 3) {
          const failing = store.transaction(async (tx) => {
            await tx.appendLiveEvents([{ companyId, type: 'rolled back', data: null, at }]);
            throw new RangeError('no');
          });
          await expect(failing).rejects.toThrow('no');
        }
        await append(events);
        await log.numberCommitted(companyId);
      }
    });
    await Promise.all(writers);
    const events = await read();
    expect(events.map((event) => event.id)).toEqual(Array.from({ length: 6 * 30 }, (_, index) => index + 1));
    for (let writer = 0; writer < 6; writer += 1) {
      const own = events.filter((event) => event.type.startsWith(`${writer}.`)).map((event) => event.type);
      const expected = Array.from({ length: 15 }, (_, round) =>
        Array.from({ length: 1 + (round % 3) }, (_unused, place) => `${writer}.${round}.${place}`),
      ).flat();
      expect(own).toEqual(expected);
    }
  });

  it('tells listeners of every instance, and takes up what a dead instance left', async () => {
    await append(['left behind']);
    const other = createLiveEventLog({ database, logger: noLogger, leftOverIntervalMs: 50 });
    const isNumbered = whenTold(log, async () => (await read()).length === 1);
    await log.start();
    await isNumbered;
    const isHeard = whenTold(log, async () => (await read()).length === 3);
    await append(['by the other', 'again']);
    other.eventsCommitted(companyId);
    await isHeard;
    // Nobody says that these were committed: their instance died before it could.
    const isTakenUp = whenTold(log, async () => (await read()).length === 4);
    await append(['orphan']);
    await other.start();
    await isTakenUp;
    await other.stop();
    expect((await read()).map((event) => event.id)).toEqual([1, 2, 3, 4]);
  });

  it('listens again after its connection was lost, and says that something may have been missed', async () => {
    await log.start();
    const isListening = async () =>
      (
        await database.pool.query(
          `SELECT 1 FROM pg_stat_activity WHERE application_name = 'runbeat-events' AND datname = current_database() AND query = 'LISTEN runbeat_live_events'`,
        )
      ).rowCount === 1;
    await expect.poll(isListening, { timeout: 20_000 }).toBe(true);
    const isTold = new Promise<CompanyId | null>((resolve) => log.onAdded(resolve));
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'runbeat-events' AND datname = current_database()`,
    );
    expect(await isTold).toBeNull();
    await expect.poll(isListening, { timeout: 20_000 }).toBe(true);
    const isHeard = whenTold(log, async () => (await read()).length === 1);
    await append(['after']);
    log.eventsCommitted(companyId);
    await isHeard;
  });

  it('prunes old events from the front, without a hole even when clocks differ', async () => {
    const minute = (index: number) => new Date(at.getTime() + index * 60_000);
    for (const index of [0, 1, 5, 2, 6, 7]) await append([`m${index}`], minute(index));
    await log.numberCommitted(companyId);
    await append(['not numbered'], minute(0));
    expect(await log.prune(minute(3))).toBe(4);
    expect((await read()).map((event) => [event.id, event.type])).toEqual([
      [5, 'm6'],
      [6, 'm7'],
    ]);
    expect(await log.bounds(companyId)).toEqual({ oldestId: 5, newestId: 6 });
    await log.numberCommitted(companyId);
    await log.prune(new Date(at.getTime() + 1e9));
    expect(await log.bounds(companyId)).toEqual({ oldestId: null, newestId: 7 });
    await append(['goes on']);
    await log.numberCommitted(companyId);
    expect((await read()).map((event) => event.id)).toEqual([8]);
  });
});
