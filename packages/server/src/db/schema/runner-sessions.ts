import { bigint, index, pgTable } from 'drizzle-orm/pg-core';
import type { RunnerId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

/** Connections of a runner; the newest one fences those before it. */
export const runnerSessions = pgTable(
  'runner_sessions',
  {
    id: id<string>().primaryKey(),
    runnerId: id<RunnerId>().notNull(),
    /** The runner's process and boot, as it names them. */
    clientInstanceId: safeText().notNull(),
    clientBootId: safeText().notNull(),
    /** The server that opened it; a cursor is only good for the incarnation that gave it. */
    serverIncarnation: safeText().notNull(),
    /** Last cursor given by `poll`. */
    cursor: bigint({ mode: 'number' }).notNull().default(0),
    startedAt: instant().notNull(),
    lastPollAt: instant(),
    lastHeartbeatAt: instant(),
    supersededAt: instant(),
    endedAt: instant(),
  },
  (table) => [index('runner_sessions_runner_index').on(table.runnerId, table.startedAt)],
);
