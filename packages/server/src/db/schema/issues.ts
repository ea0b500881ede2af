import { sql } from 'drizzle-orm';
import { index, integer, pgTable } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId, Issue, IssueId, IssueStatus, RunId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';
import { companies } from './companies.js';

/** Units of assigned work. */
export const issues = pgTable(
  'issues',
  {
    id: id<IssueId>().primaryKey(),
    companyId: id<CompanyId>()
      .notNull()
      .references(() => companies.id),
    title: safeText().notNull(),
    description: safeText(),
    status: safeText<IssueStatus>().notNull(),
    priority: integer().notNull(),
    assigneeAgentId: id<AgentId>(),
    assigneeUserId: safeText(),
    checkoutRunId: id<RunId>(),
    executionRunId: id<RunId>(),
    recoveryUsed: safeText<NonNullable<Issue['recoveryUsed']>>(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    index('issues_company_index').on(table.companyId, table.id),
    index('issues_company_status_index').on(table.companyId, table.status, table.id),
    index('issues_assignee_index').on(table.assigneeAgentId, table.id).where(sql`${table.assigneeAgentId} IS NOT NULL`),
    index('issues_open_index')
      .on(table.id)
      .where(sql`${table.status} IN ('todo', 'in_progress') AND ${table.assigneeAgentId} IS NOT NULL`),
  ],
);
