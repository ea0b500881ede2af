import { randomUUID } from 'node:crypto';
import type { InstalledAdapter, InstalledAdapterStore } from './installed-adapter-store.js';

/** A store without a database: for tests, and for several catalogues that stand for several instances. */
export function createMemoryInstalledAdapterStore(): InstalledAdapterStore {
  const rows = new Map<string, InstalledAdapter>();
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  return {
    async list() {
      return [...rows.values()];
    },
    async put(change, { expectedRevision, replaces }) {
      const old = rows.get(change.packageName) ?? null;
      if ((old?.revision ?? null) !== expectedRevision) return { outcome: 'stale' };
      const holder = [...rows.values()].find(
        (row) => row.adapterType === change.adapterType && row.packageName !== change.packageName,
      );
      if (holder && holder.packageName !== replaces) return { outcome: 'type_taken', holder: holder.packageName };
      if (replaces !== undefined) rows.delete(replaces);
      const installedAt = old?.installedAt ?? new Date();
      const row = { ...change, installedAt, removalRequestedAt: null, revision: randomUUID() };
      rows.set(row.packageName, row);
      changed();
      return { outcome: 'stored', row };
    },
    async requestRemoval(packageName) {
      const old = rows.get(packageName);
      if (!old) return null;
      const row = { ...old, removalRequestedAt: new Date(), revision: randomUUID() };
      rows.set(packageName, row);
      changed();
      return row;
    },
    async remove(packageName) {
      const isRemoved = rows.delete(packageName);
      if (isRemoved) changed();
      return isRemoved;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
