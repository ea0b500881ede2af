import type { Json } from '@runbeat/adapter-sdk';
import { index, pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** Who did what. Only ever appended to. */
export const activityLog = pgTable(
  'activity_log',
  {
    id: id<string>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    /** `agent:<id>`, `user:<id>`, `run:<id>` or `system`. */
    actor: safeText().notNull(),
    action: safeText().notNull(),
    entityType: safeText().notNull(),
    entityId: safeText().notNull(),
    data: safeJsonb<Json>(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('activity_company_index').on(table.companyId, table.id),
    index('activity_entity_index').on(table.entityType, table.entityId, table.id),
  ],
);
