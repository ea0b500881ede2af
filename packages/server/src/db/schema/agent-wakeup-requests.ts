import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { bigserial, index, integer, pgTable, uniqueIndex } from 'drizzle-orm/pg-core';
import type {
  AgentId,
  CompanyId,
  IssueId,
  RunId,
  WakeupRequestId,
  WakeupSource,
  WakeupStatus,
} from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** "This agent should run, because …" */
export const agentWakeupRequests = pgTable(
  'agent_wakeup_requests',
  {
    id: id<WakeupRequestId>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    agentId: id<AgentId>().notNull(),
    source: safeText<WakeupSource>().notNull(),
    reason: safeText(),
    prompt: safeText(),
    payload: safeJsonb<Json>(),
    issueId: id<IssueId>(),
    taskKey: safeText(),
    priority: integer().notNull(),
    idempotencyKey: safeText(),
    status: safeText<WakeupStatus>().notNull(),
    statusReason: safeText(),
    runId: id<RunId>(),
    coalescedCount: integer().notNull().default(0),
    requestedBy: safeText(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    /** Breaks ties between rows of one millisecond. */
    insertionId: bigserial({ mode: 'number' }).notNull(),
  },
  (table) => [
    index('wakeups_company_index').on(table.companyId, table.id),
    index('wakeups_agent_index').on(table.agentId, table.id),
    uniqueIndex('wakeups_idempotency_index')
      .on(table.companyId, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} IS NOT NULL`),
    index('wakeups_deferred_index').on(table.issueId, table.insertionId).where(sql`${table.status} = 'deferred'`),
  ],
);
