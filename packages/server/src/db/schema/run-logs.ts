import { bigint, integer, pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId, RunId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

/** The end of each log in the `postgres` log store; the row that an append locks, so that an old owner is refused. */
export const runLogs = pgTable('run_logs', {
  runId: id<RunId>().primaryKey(),
  companyId: id<CompanyId>().notNull(),
  ownerEpoch: integer().notNull(),
  lastSeq: bigint({ mode: 'number' }).notNull(),
  endOffset: bigint({ mode: 'number' }).notNull(),
  lastCursor: safeText(),
  updatedAt: instant().notNull(),
});
