import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database/test-database.js';
import type { InstalledAdapterChange } from '../adapters/index.js';
import { createPostgresInstalledAdapterStore } from './installed-adapter-store.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const change = (packageName: string, adapterType = 'same'): InstalledAdapterChange => ({
  packageName,
  adapterType,
  source: packageName,
  version: '1.0.0',
  integrity: null,
  settings: null,
  installedBy: null,
});
const store = () => createPostgresInstalledAdapterStore(database, () => new Date());
const isSomebodyBlocked = async (): Promise<boolean> => {
  const { rowCount } = await database.pool.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount === 1;
};

test('a type that another instance takes between our look and our write is told as taken, with the name of its holder', async () => {
  const other = await database.pool.connect();
  try {
    await other.query('BEGIN');
    await other.query(
      `INSERT INTO installed_adapters (package_name, adapter_type, source, version, settings, installed_at, updated_at, revision)
       VALUES ('quicker', 'same', 'quicker', '1.0.0', 'null', now(), now(), gen_random_uuid())`,
    );
    const put = store().put(change('slower'), { expectedRevision: null });
    await expect.poll(isSomebodyBlocked, { timeout: 20_000 }).toBe(true);
    await other.query('COMMIT');
    expect(await put).toEqual({ outcome: 'type_taken', holder: 'quicker' });
  } finally {
    other.release();
  }
  expect((await store().list()).map((row) => row.packageName)).toEqual(['quicker']);
});

test('of many that want one type at once exactly one gets it, and the others hear which', async () => {
  const names = Array.from({ length: 12 }, (_, n) => `package-${n}`);
  const outcomes = await Promise.all(names.map((name) => store().put(change(name), { expectedRevision: null })));
  const winner = (await store().list()).map((row) => row.packageName);
  expect(winner).toHaveLength(1);
  expect(outcomes.filter((put) => put.outcome === 'stored')).toHaveLength(1);
  expect(outcomes.filter((put) => put.outcome !== 'stored')).toEqual(
    Array.from({ length: 11 }, () => ({ outcome: 'type_taken', holder: winner[0] })),
  );
});

test('a row that changes its type to a taken one is refused and stays as it was', async () => {
  await store().put(change('holder', 'same'), { expectedRevision: null });
  const put = await store().put(change('mover', 'other'), { expectedRevision: null });
  const expectedRevision = put.outcome === 'stored' ? put.row.revision : null;
  expect(await store().put(change('mover', 'same'), { expectedRevision })).toEqual({ outcome: 'type_taken', holder: 'holder' });
  expect((await store().list()).map((row) => [row.packageName, row.adapterType])).toEqual([
    ['holder', 'same'],
    ['mover', 'other'],
  ]);
});
