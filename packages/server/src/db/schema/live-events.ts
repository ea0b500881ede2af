import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, pgTable, uniqueIndex } from 'drizzle-orm/pg-core';
import type { CompanyId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** Outbox and replay. `number` is null until the event is numbered after its commit; only then it is delivered. */
export const liveEvents = pgTable(
  'live_events',
  {
    insertionId: bigserial({ mode: 'number' }).primaryKey(),
    companyId: id<CompanyId>().notNull(),
    /** The event's id as clients see it: rises by one per company. */
    number: bigint({ mode: 'number' }),
    type: safeText().notNull(),
    data: safeJsonb<Json>(),
    at: instant().notNull(),
  },
  (table) => [
    uniqueIndex('live_events_number_index').on(table.companyId, table.number).where(sql`${table.number} IS NOT NULL`),
    index('live_events_waiting_index').on(table.companyId, table.insertionId).where(sql`${table.number} IS NULL`),
    index('live_events_age_index').on(table.at),
  ],
);
