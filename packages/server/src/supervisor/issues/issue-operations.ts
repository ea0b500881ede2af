import { admitWakeup } from '../admit/admit-wakeup.js';
import {
  type AgentId,
  type AnswerOf,
  type CompanyId,
  createId,
  type Issue,
  type IssueComment,
  type IssueCommentId,
  type IssueId,
  isTerminalRunStatus,
  type RunId,
  SupervisorError,
} from '../model/index.js';
import { actorName } from '../settle/request-cancel.js';
import type { Actor, IssueOperations } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork, type UnitOfWork } from '../transaction/unit-of-work.js';
import { mentionedNames } from './mentioned-names.js';
import { planIssueWake } from './plan-issue-wake.js';

/** Issues and what their changes set off. Each operation is one transaction with its wakes. */
export function createIssueOperations(
  dependencies: SupervisorDependencies,
  options: { readonly onQueued: () => void },
): IssueOperations {
  const change = async <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => {
    const value = await inUnitOfWork(dependencies, work);
    options.onQueued();
    return value;
  };
  return {
    create: (input, actor, answerOf = null) =>
      change(async (unit) => {
        checkAssignees(input.assigneeAgentId ?? null, input.assigneeUserId ?? null);
        await checkAgent(unit, input.companyId, input.assigneeAgentId ?? null);
        const issue: Issue = {
          id: createId<IssueId>(unit.now),
          companyId: input.companyId,
          title: input.title,
          description: input.description ?? null,
          status: input.status ?? 'todo',
          priority: input.priority ?? 0,
          assigneeAgentId: input.assigneeAgentId ?? null,
          assigneeUserId: input.assigneeUserId ?? null,
          checkoutRunId: null,
          executionRunId: null,
          recoveryUsed: null,
          createdAt: unit.now,
          updatedAt: unit.now,
        };
        await unit.tx.insertIssue(issue);
        await tell(unit, issue, 'issue-created', actor);
        return keeping(unit, answerOf, await wakeAssignee(unit, null, issue, actor));
      }),

    update: (id, patch, actor) =>
      change(async (unit) => {
        const before = await lockIssue(unit, id);
        const after: Issue = { ...before, ...patch, updatedAt: unit.now };
        // Naming the one kind of assignee takes the issue from the other.
        const assignees = {
          assigneeAgentId: patch.assigneeUserId ? (patch.assigneeAgentId ?? null) : after.assigneeAgentId,
          assigneeUserId: patch.assigneeAgentId ? (patch.assigneeUserId ?? null) : after.assigneeUserId,
        };
        checkAssignees(assignees.assigneeAgentId, assignees.assigneeUserId);
        await checkAgent(unit, before.companyId, patch.assigneeAgentId ?? null);
        const isTouched =
          after.status !== before.status ||
          assignees.assigneeAgentId !== before.assigneeAgentId ||
          assignees.assigneeUserId !== before.assigneeUserId;
        const stored = { ...patch, ...assignees, ...(isTouched ? { recoveryUsed: null } : {}) };
        await unit.tx.patchIssue(id, stored, unit.now);
        const issue = { ...after, ...stored };
        await tell(unit, issue, 'issue-updated', actor);
        return wakeAssignee(unit, before, issue, actor);
      }),

    comment: (id, body, actor, answerOf = null) =>
      change(async (unit) => {
        const issue = await lockIssue(unit, id);
        const comment: IssueComment = {
          id: createId<IssueCommentId>(unit.now),
          companyId: issue.companyId,
          issueId: id,
          authorAgentId: actor.kind === 'agent' ? actor.agentId : null,
          authorUserId: actor.kind === 'user' ? actor.userId : null,
          body,
          createdAt: unit.now,
        };
        await unit.tx.insertIssueComment(comment);
        unit.liveEvent(issue.companyId, 'issue-commented', { issueId: id, commentId: comment.id });
        await wakeMentioned(unit, issue, comment, actor);
        return keeping(unit, answerOf, comment);
      }),

    checkout: (id, runId) =>
      change(async (unit) => {
        const issue = await lockIssue(unit, id);
        const run = await unit.tx.getRun(runId);
        if (run?.companyId !== issue.companyId) throw new SupervisorError('run_not_found', `There is no run ${runId}.`);
        if (run.status !== 'running') {
          throw new SupervisorError(
            'run_not_active',
            `Run ${runId} is ${run.status}; only a running run can check an issue out.`,
          );
        }
        await refuseHeld(unit, issue, runId, issue.checkoutRunId);
        await refuseHeld(unit, issue, runId, issue.executionRunId);
        const patch = {
          checkoutRunId: runId,
          status: 'in_progress',
          ...(run.issueId === id && issue.executionRunId === null ? { executionRunId: runId } : {}),
        } as const;
        await unit.tx.patchIssue(id, patch, unit.now);
        const checkedOut = { ...issue, ...patch, updatedAt: unit.now };
        await tell(unit, checkedOut, 'issue-updated', { kind: 'agent', agentId: run.agentId, runId });
        return checkedOut;
      }),

    release: (id, runId) =>
      change(async (unit) => {
        const issue = await lockIssue(unit, id);
        if (issue.checkoutRunId !== runId) return issue;
        const patch = { checkoutRunId: null, ...(issue.status === 'in_progress' ? { status: 'todo' as const } : {}) };
        await unit.tx.patchIssue(id, patch, unit.now);
        const released = { ...issue, ...patch, updatedAt: unit.now };
        await tell(unit, released, 'issue-updated', { kind: 'system' });
        return released;
      }),
  };
}

async function keeping<Row>(unit: UnitOfWork, answerOf: AnswerOf<Row>, row: Row): Promise<Row> {
  if (answerOf !== null) await unit.tx.keepAnswer(answerOf(row), unit.now);
  return row;
}

async function lockIssue(unit: UnitOfWork, id: IssueId): Promise<Issue> {
  const issue = await unit.tx.lockIssue(id);
  if (!issue) throw new SupervisorError('issue_not_found', `There is no issue ${id}.`);
  return issue;
}

function checkAssignees(agentId: string | null, userId: string | null): void {
  if (agentId === null || userId === null) return;
  throw new SupervisorError('issue_assignee_invalid', 'An issue is assigned to an agent or to a user, not to both.');
}

async function checkAgent(unit: UnitOfWork, companyId: CompanyId, agentId: AgentId | null): Promise<void> {
  if (agentId === null) return;
  const agent = await unit.tx.getAgent(agentId);
  if (agent?.companyId === companyId) return;
  throw new SupervisorError(
    'agent_not_found',
    `There is no agent ${agentId} in company ${companyId}; the issue cannot be assigned to it.`,
  );
}

async function refuseHeld(unit: UnitOfWork, issue: Issue, runId: RunId, holderId: RunId | null): Promise<void> {
  if (holderId === null || holderId === runId) return;
  const holder = await unit.tx.getRun(holderId);
  if (!holder || isTerminalRunStatus(holder.status)) return;
  throw new SupervisorError(
    'issue_checked_out',
    `Issue ${issue.id} is held by run ${holderId} of agent ${holder.agentId}; try again when that run ended.`,
  );
}

async function wakeAssignee(unit: UnitOfWork, before: Issue | null, after: Issue, actor: Actor): Promise<Issue> {
  const reason = planIssueWake(before, after);
  if (reason === null || after.assigneeAgentId === null) return after;
  const answer = await admitWakeup(unit, {
    companyId: after.companyId,
    agentId: after.assigneeAgentId,
    source: 'assignment',
    reason,
    issueId: after.id,
    priority: after.priority,
    requestedBy: actorName(actor),
  });
  return answer.outcome === 'queued' ? { ...after, executionRunId: answer.run.id } : after;
}

async function wakeMentioned(unit: UnitOfWork, issue: Issue, comment: IssueComment, actor: Actor): Promise<void> {
  const names = mentionedNames(comment.body);
  if (names.length === 0) return;
  for (const agent of await unit.tx.findAgentsByName(issue.companyId, names)) {
    // An agent is never woken by its own comment, or two of them could talk to themselves for ever.
    if (actor.kind === 'agent' && actor.agentId === agent.id) continue;
    await admitWakeup(unit, {
      companyId: issue.companyId,
      agentId: agent.id,
      source: 'automation',
      reason: `${actorName(actor)} mentioned the agent on issue "${issue.title}"`,
      prompt: comment.body,
      payload: { issueId: issue.id, commentId: comment.id },
      issueId: issue.id,
      requestedBy: actorName(actor),
    });
  }
}

async function tell(unit: UnitOfWork, issue: Issue, type: 'issue-created' | 'issue-updated', actor: Actor): Promise<void> {
  await unit.tx.appendActivity(
    { companyId: issue.companyId, actor: actorName(actor), action: type, entityType: 'issue', entityId: issue.id },
    unit.now,
  );
  unit.liveEvent(issue.companyId, type, { issueId: issue.id, status: issue.status, assigneeAgentId: issue.assigneeAgentId });
}
