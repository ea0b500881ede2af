import { index, pgTable } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId, IssueCommentId, IssueId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';
import { issues } from './issues.js';

export const issueComments = pgTable(
  'issue_comments',
  {
    id: id<IssueCommentId>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    issueId: id<IssueId>()
      .notNull()
      .references(() => issues.id, { onDelete: 'cascade' }),
    authorAgentId: id<AgentId>(),
    authorUserId: safeText(),
    body: safeText().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index('issue_comments_issue_index').on(table.issueId, table.id)],
);
