import type { Json } from '@runbeat/adapter-sdk';
import { integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import type { CompanyId, NewRunEvent, RunId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** The timeline of a run. */
export const heartbeatRunEvents = pgTable(
  'heartbeat_run_events',
  {
    runId: id<RunId>().notNull(),
    seq: integer().notNull(),
    companyId: id<CompanyId>().notNull(),
    type: safeText().notNull(),
    level: safeText<NewRunEvent['level']>().notNull(),
    message: safeText().notNull(),
    data: safeJsonb<Json>(),
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.seq] })],
);
