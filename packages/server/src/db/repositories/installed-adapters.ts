import type { Json } from '@runbeat/adapter-sdk';
import { and, asc, eq } from 'drizzle-orm';
import { createRandomId } from '../../supervisor/model/index.js';
import { violatedUniqueConstraint } from '../database-failure.js';
import type { Executor } from '../executor.js';
import { installedAdapters } from '../schema/index.js';

export interface InstalledAdapterRow {
  readonly packageName: string;
  readonly adapterType: string;
  readonly source: string;
  readonly version: string;
  readonly integrity: string | null;
  readonly settings: Json;
  readonly installedAt: Date;
  readonly updatedAt: Date;
  readonly removalRequestedAt: Date | null;
  readonly installedBy: string | null;
  /** New with every write of the row. */
  readonly revision: string;
}

/** All of them: an operator installs tens, not thousands. */
export async function listInstalledAdapters(executor: Executor): Promise<readonly InstalledAdapterRow[]> {
  return executor.select().from(installedAdapters).orderBy(asc(installedAdapters.packageName)).limit(1_000);
}

export async function getInstalledAdapter(executor: Executor, packageName: string): Promise<InstalledAdapterRow | null> {
  const [row] = await executor.select().from(installedAdapters).where(eq(installedAdapters.packageName, packageName));
  return row ?? null;
}

export async function findInstalledAdapterByType(executor: Executor, adapterType: string): Promise<InstalledAdapterRow | null> {
  const [row] = await executor.select().from(installedAdapters).where(eq(installedAdapters.adapterType, adapterType));
  return row ?? null;
}

/** Inserts or switches the row. `type_taken` when another package has the type, `stale` when somebody switched it before. */
export async function putInstalledAdapter(
  executor: Executor,
  row: Omit<InstalledAdapterRow, 'installedAt' | 'updatedAt' | 'revision' | 'removalRequestedAt'>,
  /** The revision that the caller saw; null = it saw no row. */
  expectedRevision: string | null,
  now: Date,
): Promise<{ readonly outcome: 'stored'; readonly row: InstalledAdapterRow } | { readonly outcome: 'type_taken' | 'stale' }> {
  const change = { ...row, removalRequestedAt: null, updatedAt: now, revision: createRandomId<string>() };
  try {
    const [stored] =
      expectedRevision === null
        ? await executor
            .insert(installedAdapters)
            .values({ ...change, installedAt: now })
            .onConflictDoNothing({ target: installedAdapters.packageName })
            .returning()
        : await executor
            .update(installedAdapters)
            .set(change)
            .where(and(eq(installedAdapters.packageName, row.packageName), eq(installedAdapters.revision, expectedRevision)))
            .returning();
    return stored === undefined ? { outcome: 'stale' } : { outcome: 'stored', row: stored };
  } catch (error) {
    if (violatedUniqueConstraint(error) === 'installed_adapters_type_index') return { outcome: 'type_taken' };
    throw error;
  }
}

/** Marks a removal that waits for running runs; null when there is no such row. */
export async function requestAdapterRemoval(
  executor: Executor,
  packageName: string,
  now: Date,
): Promise<InstalledAdapterRow | null> {
  const [row] = await executor
    .update(installedAdapters)
    .set({ removalRequestedAt: now, updatedAt: now, revision: createRandomId<string>() })
    .where(eq(installedAdapters.packageName, packageName))
    .returning();
  return row ?? null;
}

export async function deleteInstalledAdapter(executor: Executor, packageName: string): Promise<boolean> {
  const result = await executor.delete(installedAdapters).where(eq(installedAdapters.packageName, packageName));
  return result.rowCount === 1;
}
