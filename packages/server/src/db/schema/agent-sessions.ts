import type { Json } from '@runbeat/adapter-sdk';
import { pgTable, primaryKey } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId, RunId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/** What the last run of a task key handed on to the next one (`previousSession`). */
export const agentSessions = pgTable(
  'agent_sessions',
  {
    agentId: id<AgentId>().notNull(),
    adapterType: safeText().notNull(),
    taskKey: safeText().notNull(),
    companyId: id<CompanyId>().notNull(),
    value: safeJsonb<Json>(),
    runId: id<RunId>().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.agentId, table.adapterType, table.taskKey] })],
);
