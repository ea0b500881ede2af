import type { Issue as WireIssue, IssueComment as WireIssueComment } from '@runbeat/protocol';
import type { Issue, IssueComment } from '../../supervisor/model/index.js';

export function wireIssue(issue: Issue): WireIssue {
  return {
    id: issue.id,
    companyId: issue.companyId,
    title: issue.title,
    description: issue.description,
    status: issue.status,
    priority: issue.priority,
    assigneeAgentId: issue.assigneeAgentId,
    assigneeUserId: issue.assigneeUserId,
    checkoutRunId: issue.checkoutRunId,
    executionRunId: issue.executionRunId,
    createdAt: issue.createdAt.toISOString(),
    updatedAt: issue.updatedAt.toISOString(),
  };
}

export function wireIssueComment(comment: IssueComment): WireIssueComment {
  return {
    id: comment.id,
    companyId: comment.companyId,
    issueId: comment.issueId,
    authorAgentId: comment.authorAgentId,
    authorUserId: comment.authorUserId,
    body: comment.body,
    createdAt: comment.createdAt.toISOString(),
  };
}
