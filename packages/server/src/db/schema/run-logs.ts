import { bigint, integer, pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId, RunId } from '../../supervisor/model/index.js';
import { bytes, id, instant } from './columns.js';

/** The end of each log in the `postgres` log store; the row that an append locks, so that an old owner is refused. */
export const runLogs = pgTable('run_logs', {
  runId: id<RunId>().primaryKey(),
  companyId: id<CompanyId>().notNull(),
  ownerEpoch: integer().notNull(),
  lastSeq: bigint({ mode: 'number' }).notNull(),
  endOffset: bigint({ mode: 'number' }).notNull(),
  /** UTF-8; bytes, since a cursor may hold anything. */
  lastCursor: bytes(),
  updatedAt: instant().notNull(),
});
