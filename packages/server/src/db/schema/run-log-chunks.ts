import { bigint, index, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import type { RunId } from '../../supervisor/model/index.js';
import { bytes, id } from './columns.js';

/** Log text of the `postgres` log store, one row per append. `bytea`, since output may hold U+0000. */
export const runLogChunks = pgTable(
  'run_log_chunks',
  {
    runId: id<RunId>().notNull(),
    firstSeq: bigint({ mode: 'number' }).notNull(),
    lastSeq: bigint({ mode: 'number' }).notNull(),
    /** Where the chunk starts in the run's text, and where it ends. */
    startOffset: bigint({ mode: 'number' }).notNull(),
    endOffset: bigint({ mode: 'number' }).notNull(),
    text: bytes().notNull(),
    /** One NDJSON line per record, as in the `index` file of the `fs` store. */
    index: bytes().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.firstSeq] }),
    index('run_log_chunks_offset_index').on(table.runId, table.endOffset),
  ],
);
