import { sql } from 'drizzle-orm';
import { boolean, check, pgTable } from 'drizzle-orm/pg-core';
import type { InstallationId } from '../../supervisor/model/index.js';
import { id, instant } from './columns.js';

/** One row: which installation this database is, for what is kept outside of it (Jobs in a cluster). */
export const installation = pgTable(
  'installation',
  {
    isOnly: boolean().primaryKey().default(true),
    id: id<InstallationId>().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [check('installation_is_one', sql`${table.isOnly}`)],
);
