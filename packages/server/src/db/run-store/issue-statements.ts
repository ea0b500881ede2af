import type { Issue, IssueComment, IssueId } from '../../supervisor/model/index.js';
import { type Executor, runStatement } from '../executor.js';
import { uuidParameter } from '../parameters.js';
import { issueComments, issues } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';
import { namedStatements } from './named-statements.js';

const codec = tableCodec(issues);
const commentCodec = tableCodec(issueComments);
const columns = codec.columnList();

const getStatement = { name: 'issue_get', text: `SELECT ${columns} FROM issues WHERE id = $1` };
const lockStatement = { name: 'issue_lock', text: `${getStatement.text} FOR NO KEY UPDATE` };
const insertStatement = {
  name: 'issue_insert',
  text: `INSERT INTO issues (${columns}) VALUES (${placeholders(codec.keys.length)})`,
};
const insertCommentStatement = {
  name: 'issue_comment_insert',
  text: `INSERT INTO issue_comments (${commentCodec.columnList()}) VALUES (${placeholders(commentCodec.keys.length)})`,
};
const hasActiveWork = (issueId: string): string => `(
    EXISTS (SELECT 1 FROM heartbeat_runs r WHERE r.issue_id = ${issueId} AND r.status IN ('queued', 'running'))
    OR EXISTS (SELECT 1 FROM agent_wakeup_requests w WHERE w.issue_id = ${issueId} AND w.status = 'deferred'))`;
const activeWorkStatement = { name: 'issue_has_active_work', text: `SELECT ${hasActiveWork('$1')}` };
const strandedStatement = {
  name: 'issue_list_stranded',
  text: `SELECT ${codec.columnList('i')} FROM issues i
    CROSS JOIN LATERAL (
      SELECT r.status FROM heartbeat_runs r WHERE r.issue_id = i.id ORDER BY r.created_at DESC, r.insertion_id DESC LIMIT 1
    ) last_run
    WHERE i.status IN ('todo', 'in_progress') AND i.assignee_agent_id IS NOT NULL
      AND last_run.status IN ('failed', 'cancelled', 'timed_out') AND NOT ${hasActiveWork('i.id')}
    ORDER BY i.id LIMIT $1`,
};

export async function getIssue(executor: Executor, id: IssueId): Promise<Issue | null> {
  const { rows } = await runStatement(executor, getStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : codec.rowFrom(rows[0]);
}

export async function lockIssue(executor: Executor, id: IssueId): Promise<Issue | null> {
  const { rows } = await runStatement(executor, lockStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : codec.rowFrom(rows[0]);
}

export async function insertIssue(executor: Executor, issue: Issue): Promise<void> {
  await runStatement(executor, insertStatement, codec.parameters(issue));
}

export async function insertIssueComment(executor: Executor, comment: IssueComment): Promise<void> {
  await runStatement(executor, insertCommentStatement, commentCodec.parameters(comment));
}

const patchStatements = namedStatements('issue_patch');

export async function patchIssue(
  executor: Executor,
  id: IssueId,
  patch: Partial<Omit<Issue, 'id' | 'companyId' | 'createdAt'>>,
  now: Date,
): Promise<void> {
  const change = { ...patch, updatedAt: now };
  const keys = (Object.keys(change) as (keyof typeof change)[]).filter((key) => change[key] !== undefined);
  const statement = patchStatements(keys.join(), () => {
    const sets = keys.map((key, index) => `${codec.columnName(key)} = $${index + 2}`);
    return `UPDATE issues SET ${sets.join(', ')} WHERE id = $1`;
  });
  await runStatement(executor, statement, [uuidParameter(id), ...keys.map((key) => codec.parameter(key, change[key]))]);
}

export async function issueHasActiveWork(executor: Executor, issueId: IssueId): Promise<boolean> {
  const { rows } = await runStatement(executor, activeWorkStatement, [uuidParameter(issueId)]);
  return rows[0]?.[0] === true;
}

/** Oldest issue first. */
export async function listStrandedIssues(executor: Executor, limit: number): Promise<readonly Issue[]> {
  const { rows } = await runStatement(executor, strandedStatement, [Math.max(0, Math.min(1_000, limit))]);
  return rows.map((row) => codec.rowFrom(row));
}
