import type { Json } from '@runbeat/adapter-sdk';
import { bigint, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import type { CompanyId, SessionId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** Inputs, outputs, statuses and exits of a session in one order: history and live feed in one. */
export const sessionJournal = pgTable(
  'session_journal',
  {
    sessionId: id<SessionId>().notNull(),
    seq: bigint({ mode: 'number' }).notNull(),
    companyId: id<CompanyId>().notNull(),
    at: instant().notNull(),
    kind: safeText().notNull(),
    workerId: id<string>(),
    promptId: safeText(),
    data: safeJsonb<Json>(),
  },
  (table) => [primaryKey({ columns: [table.sessionId, table.seq] })],
);
