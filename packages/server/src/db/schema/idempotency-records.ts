import type { Json } from '@runbeat/adapter-sdk';
import { index, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import { instant, safeJsonb, safeText } from './columns.js';

/** Answers of creating HTTP calls by their `Idempotency-Key`, written in the transaction that creates. */
export const idempotencyRecords = pgTable(
  'idempotency_records',
  {
    /** Who called which route: keys of different callers do not meet. */
    scope: safeText().notNull(),
    key: safeText().notNull(),
    requestHash: safeText().notNull(),
    status: integer().notNull(),
    body: safeJsonb<Json>(),
    createdAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.key] }), index('idempotency_records_age_index').on(table.createdAt)],
);
