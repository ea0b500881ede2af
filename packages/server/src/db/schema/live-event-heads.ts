import { bigint, pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId } from '../../supervisor/model/index.js';
import { id } from './columns.js';

/** The last number given per company. Its row is the lock under which events are numbered. */
export const liveEventHeads = pgTable('live_event_heads', {
  companyId: id<CompanyId>().primaryKey(),
  lastNumber: bigint({ mode: 'number' }).notNull(),
});
