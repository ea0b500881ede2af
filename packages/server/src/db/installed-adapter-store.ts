import { sql } from 'drizzle-orm';
import type { InstalledAdapter, InstalledAdapterStore } from '../adapters/installed-adapter-store.js';
import type { Database } from './database.js';
import {
  deleteInstalledAdapter,
  findInstalledAdapterByType,
  getInstalledAdapter,
  type InstalledAdapterRow,
  listInstalledAdapters,
  putInstalledAdapter,
  requestAdapterRemoval,
} from './repositories/index.js';

/** The adapters that operators added, in PostgreSQL: one row per package, followed by every instance. */
export function createPostgresInstalledAdapterStore(database: Database, now: () => Date): InstalledAdapterStore {
  return {
    async list() {
      return (await listInstalledAdapters(database.executor)).map(adapterFromRow);
    },
    put: (change, { expectedRevision, replaces }) =>
      database.transaction(async (transaction) => {
        const current = replaces === undefined ? null : await getInstalledAdapter(transaction, replaces);
        if (current && current.packageName !== change.packageName && current.adapterType === change.adapterType) {
          await deleteInstalledAdapter(transaction, current.packageName);
        }
        const holder = await findInstalledAdapterByType(transaction, change.adapterType);
        if (holder && holder.packageName !== change.packageName) return { outcome: 'type_taken', holder: holder.packageName };
        // Another instance may have the type before us between the look and the write: the index decides then, and the
        // savepoint keeps this transaction alive, so that it can ask who it was.
        await transaction.execute(sql`SAVEPOINT put_adapter`);
        const put = await putInstalledAdapter(transaction, change, expectedRevision, now());
        if (put.outcome === 'stored') return { outcome: 'stored', row: adapterFromRow(put.row) };
        if (put.outcome === 'stale') return { outcome: 'stale' };
        await transaction.execute(sql`ROLLBACK TO SAVEPOINT put_adapter`);
        const winner = await findInstalledAdapterByType(transaction, change.adapterType);
        // Null = it was removed again in this very moment.
        return { outcome: 'type_taken', holder: winner?.packageName ?? 'another package' };
      }),
    async requestRemoval(packageName) {
      const row = await requestAdapterRemoval(database.executor, packageName, now());
      return row && adapterFromRow(row);
    },
    remove: (packageName) => deleteInstalledAdapter(database.executor, packageName),
  };
}

function adapterFromRow({ updatedAt: _updatedAt, ...row }: InstalledAdapterRow): InstalledAdapter {
  return row;
}
