import { and, asc, desc, eq, gt, inArray, isNull, lt } from 'drizzle-orm';
import type {
  AgentId,
  CompanyId,
  Issue,
  IssueComment,
  IssueCommentId,
  IssueId,
  IssueStatus,
} from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { issueComments, issues } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export async function getIssue(executor: Executor, id: IssueId): Promise<Issue | null> {
  const [issue] = await executor.select().from(issues).where(eq(issues.id, id));
  return issue ?? null;
}

export interface IssueListFilter {
  readonly companyId: CompanyId;
  readonly assigneeAgentId?: AgentId | undefined;
  readonly statuses?: readonly IssueStatus[] | undefined;
}

/** Newest first. */
export async function listIssues(executor: Executor, filter: IssueListFilter, query: PageQuery): Promise<Page<Issue>> {
  const rows = await executor
    .select()
    .from(issues)
    .where(
      and(
        eq(issues.companyId, filter.companyId),
        filter.assigneeAgentId === undefined ? undefined : eq(issues.assigneeAgentId, filter.assigneeAgentId),
        filter.statuses === undefined || filter.statuses.length === 0 ? undefined : inArray(issues.status, [...filter.statuses]),
        query.cursor === null ? undefined : lt(issues.id, query.cursor as IssueId),
      ),
    )
    .orderBy(desc(issues.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (issue) => issue.id);
}

/** Oldest first, as a conversation reads. */
export async function listIssueComments(executor: Executor, issueId: IssueId, query: PageQuery): Promise<Page<IssueComment>> {
  const rows = await executor
    .select()
    .from(issueComments)
    .where(
      and(
        eq(issueComments.issueId, issueId),
        query.cursor === null ? undefined : gt(issueComments.id, query.cursor as IssueCommentId),
      ),
    )
    .orderBy(asc(issueComments.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (comment) => comment.id);
}

/** Deletes an issue with its comments, unless a run holds it. */
export async function deleteIssue(executor: Executor, id: IssueId): Promise<'deleted' | 'not_found' | 'held'> {
  const deleted = await executor
    .delete(issues)
    .where(and(eq(issues.id, id), isNull(issues.executionRunId)))
    .returning({ id: issues.id });
  if (deleted.length === 1) return 'deleted';
  return (await getIssue(executor, id)) === null ? 'not_found' : 'held';
}
