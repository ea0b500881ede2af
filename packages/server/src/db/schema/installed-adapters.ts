import type { Json } from '@runbeat/adapter-sdk';
import { pgTable, uniqueIndex } from 'drizzle-orm/pg-core';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** Adapters that an operator added at run time. One row switches a package's version for all instances. */
export const installedAdapters = pgTable(
  'installed_adapters',
  {
    /** Name of the npm package, or of the folder's package. */
    packageName: safeText().primaryKey(),
    adapterType: safeText().notNull(),
    /** What the operator asked for: `@acme/foo@^1`, `./adapters/bar`. */
    source: safeText().notNull(),
    version: safeText().notNull(),
    integrity: safeText(),
    /** `worker` or `in-process`, environment names, npm options: as the adapter registry understands them. */
    settings: safeJsonb<Json>(),
    installedAt: instant().notNull(),
    updatedAt: instant().notNull(),
    /** Set while a removal waits for the adapter's runs to finish. */
    removalRequestedAt: instant(),
    installedBy: safeText(),
    /** Marks this write; instances compare it with what they loaded. */
    revision: id<string>().notNull(),
  },
  (table) => [uniqueIndex('installed_adapters_type_index').on(table.adapterType)],
);
