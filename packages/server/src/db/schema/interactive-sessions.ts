import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { bigint, index, integer, pgTable } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId, InstanceId, RunId, SessionId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** Conversations with a process that stays up. */
export const interactiveSessions = pgTable(
  'interactive_sessions',
  {
    id: id<SessionId>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    agentId: id<AgentId>().notNull(),
    adapterType: safeText().notNull(),
    /** The run that carries the process, where there is one. */
    runId: id<RunId>(),
    taskKey: safeText(),
    /** As the session's transition table names it. */
    state: safeText().notNull(),
    reason: safeText(),
    detail: safeText(),
    /** Seq of the last journal entry; an append is a compare-and-set on it. */
    headSeq: bigint({ mode: 'number' }).notNull().default(0),
    /** The process start that may still speak. */
    workerId: id<string>(),
    ownerInstanceId: id<InstanceId>(),
    ownerEpoch: integer().notNull().default(0),
    handle: safeJsonb<Json>(),
    /** Cursor in the process's output up to which the journal holds everything. */
    outputCursor: safeText(),
    /** The adapter's own session, to resume the conversation in a new process. */
    adapterSession: safeJsonb<Json>(),
    /** Seq of the journal entry that told of the state. */
    statusSeq: bigint({ mode: 'number' }).notNull().default(0),
    /** Questions of the agent that nobody has answered yet. */
    openRequests: safeJsonb<Json>().notNull().default([]),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    endedAt: instant(),
  },
  (table) => [
    index('interactive_sessions_company_index').on(table.companyId, table.id),
    index('interactive_sessions_agent_index').on(table.agentId, table.id),
    index('interactive_sessions_worker_index').on(table.workerId),
    index('interactive_sessions_alive_index')
      .on(table.ownerInstanceId)
      .where(sql`${table.endedAt} IS NULL OR ${table.handle} IS NOT NULL`),
  ],
);
