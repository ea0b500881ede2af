import { pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

/** The tenants. */
export const companies = pgTable('companies', {
  id: id<CompanyId>().primaryKey(),
  name: safeText().notNull(),
  createdAt: instant().notNull(),
});
