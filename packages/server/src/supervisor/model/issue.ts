import type { AgentId, CompanyId, IssueCommentId, IssueId, RunId } from './ids.js';

export const issueStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'blocked', 'cancelled'] as const;
export type IssueStatus = (typeof issueStatuses)[number];

/** A unit of assigned work. */
export interface Issue {
  readonly id: IssueId;
  readonly companyId: CompanyId;
  readonly title: string;
  readonly description: string | null;
  readonly status: IssueStatus;
  readonly priority: number;
  /** At most one of the two assignees is set. */
  readonly assigneeAgentId: AgentId | null;
  readonly assigneeUserId: string | null;
  /** The run that checked the issue out; stays over a retry. */
  readonly checkoutRunId: RunId | null;
  /** The run that holds the execution lock: moves to a retry, freed when the last one ended. */
  readonly executionRunId: RunId | null;
  /** Set when stranded-work recovery used its one try; cleared when a run on the issue succeeds or somebody changes status or assignee. */
  readonly recoveryUsed: 'assignment_recovery' | 'issue_continuation_needed' | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface IssueComment {
  readonly id: IssueCommentId;
  readonly companyId: CompanyId;
  readonly issueId: IssueId;
  readonly authorAgentId: AgentId | null;
  readonly authorUserId: string | null;
  readonly body: string;
  readonly createdAt: Date;
}
