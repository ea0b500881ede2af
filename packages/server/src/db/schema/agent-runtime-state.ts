import { bigint, doublePrecision, pgTable } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

/** What changes with every run of an agent; apart from `agents`, so that its row is not rewritten all the time. */
export const agentRuntimeState = pgTable('agent_runtime_state', {
  agentId: id<AgentId>().primaryKey(),
  companyId: id<CompanyId>().notNull(),
  firstHeartbeatAt: instant(),
  lastHeartbeatAt: instant(),
  nextTimerWakeAt: instant(),
  lastRunId: id<string>(),
  lastRunStatus: safeText(),
  lastErrorCode: safeText(),
  totalRuns: bigint({ mode: 'number' }).notNull().default(0),
  totalInputTokens: bigint({ mode: 'number' }).notNull().default(0),
  totalOutputTokens: bigint({ mode: 'number' }).notNull().default(0),
  totalCostUsd: doublePrecision().notNull().default(0),
});
