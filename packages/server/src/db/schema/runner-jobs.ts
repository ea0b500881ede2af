import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { bigint, index, integer, pgTable } from 'drizzle-orm/pg-core';
import type { CompanyId, RunId, RunnerId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

export const runnerJobStates = ['offered', 'leased', 'running', 'finishing', 'done', 'fenced', 'lost'] as const;
export type RunnerJobState = (typeof runnerJobStates)[number];

/** The one place on a runner where a run is, or was last. A reassignment takes the row over with a higher epoch. */
export const runnerJobs = pgTable(
  'runner_jobs',
  {
    runId: id<RunId>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    runnerId: id<RunnerId>().notNull(),
    /** Rises with each assignment; a write with an older one is answered with 410. */
    leaseEpoch: integer().notNull(),
    /** The session that holds the lease; null while offered. */
    sessionId: id<string>(),
    state: safeText<RunnerJobState>().notNull(),
    /** Everything that the runner needs to execute the run. */
    offer: safeJsonb<Json>(),
    /** The runner's handle of its process, as it reported it. */
    handle: safeJsonb<Json>(),
    leaseExpiresAt: instant(),
    cancelRequestedAt: instant(),
    cancelReason: safeText(),
    /** Bytes of the runner's spool that are stored here. */
    logEnd: bigint({ mode: 'number' }).notNull().default(0),
    result: safeJsonb<Json>(),
    resultLogBytes: bigint({ mode: 'number' }),
    resultSha256: safeText(),
    /** Idempotency key of the accepted finish. */
    finishKey: safeText(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    index('runner_jobs_runner_index')
      .on(table.runnerId, table.runId)
      .where(sql`${table.state} IN ('offered', 'leased', 'running', 'finishing')`),
    index('runner_jobs_lease_index')
      .on(table.leaseExpiresAt)
      .where(sql`${table.state} IN ('offered', 'leased', 'running', 'finishing')`),
  ],
);
