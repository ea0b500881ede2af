import { admitWakeup } from '../admit/admit-wakeup.js';
import { createId, errorCodeOf, errorMessageOf, type Issue, type IssueCommentId, type IssueId } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork, type UnitOfWork } from '../transaction/unit-of-work.js';
import { planStranded, type StrandedPlan } from './plan-stranded.js';

export interface StrandedAnswer {
  readonly dispatchRequeued: number;
  readonly continuationRequeued: number;
  readonly escalated: number;
  readonly issueIds: readonly IssueId[];
}

const issuesPerPass = 200;

/** Looks for assigned issues that nobody works on. Idempotent: each issue is decided under its lock, by what is stored. */
export async function reconcileStrandedIssues(dependencies: SupervisorDependencies): Promise<StrandedAnswer> {
  const done: { issueId: IssueId; plan: StrandedPlan }[] = [];
  const candidates = await dependencies.store.listStrandedIssues({ now: dependencies.clock.now(), limit: issuesPerPass });
  for (const { id } of candidates) {
    try {
      const plan = await reconcileOne(dependencies, id);
      if (plan && plan.kind !== 'leave') done.push({ issueId: id, plan });
    } catch (error) {
      dependencies.metrics.count('stranded_errors_total');
      dependencies.logger.error(
        { issueId: id, code: errorCodeOf(error), error: errorMessageOf(error) },
        'a stranded issue could not be looked at',
      );
    }
  }
  const requeuedFor = (reason: string): number =>
    done.filter(({ plan }) => plan.kind === 'requeue' && plan.retryReason === reason).length;
  return {
    dispatchRequeued: requeuedFor('assignment_recovery'),
    continuationRequeued: requeuedFor('issue_continuation_needed'),
    escalated: done.filter(({ plan }) => plan.kind === 'escalate').length,
    issueIds: done.map(({ issueId }) => issueId),
  };
}

async function reconcileOne(dependencies: SupervisorDependencies, id: IssueId): Promise<StrandedPlan | null> {
  return inUnitOfWork(dependencies, async (unit) => {
    const issue = await unit.tx.lockIssue(id);
    if (!issue) return null;
    const agent = issue.assigneeAgentId === null ? null : await unit.tx.getAgent(issue.assigneeAgentId);
    const placement = agent?.runtimeConfig.placement ?? null;
    const plan = planStranded({
      issue,
      hasActiveWork: await unit.tx.hasActiveWork(id),
      lastRun: await unit.tx.getLastRunOfIssue(id),
      agent,
      isAdapterFound: agent !== null && dependencies.adapters.find(agent.adapterType, placement).found,
    });
    if (plan.kind === 'requeue') return (await requeue(unit, issue, plan.retryReason)) ? plan : null;
    if (plan.kind === 'escalate') await escalate(unit, issue, plan.comment);
    return plan;
  });
}

async function requeue(unit: UnitOfWork, issue: Issue, retryReason: NonNullable<Issue['recoveryUsed']>): Promise<boolean> {
  if (issue.assigneeAgentId === null) return false;
  const answer = await admitWakeup(unit, {
    companyId: issue.companyId,
    agentId: issue.assigneeAgentId,
    source: 'assignment',
    reason:
      retryReason === 'assignment_recovery'
        ? 'the issue is assigned and nobody works on it'
        : 'the work on the issue stopped before its end',
    issueId: issue.id,
    requestedBy: 'system',
    retryReason,
  });
  // Skipped (the agent takes timer wakes only): its one try is not used up.
  if (answer.outcome !== 'queued') return false;
  await unit.tx.patchIssue(issue.id, { recoveryUsed: retryReason }, unit.now);
  return true;
}

async function escalate(unit: UnitOfWork, issue: Issue, body: string): Promise<void> {
  await unit.tx.patchIssue(issue.id, { status: 'blocked' }, unit.now);
  await unit.tx.insertIssueComment({
    id: createId<IssueCommentId>(unit.now),
    companyId: issue.companyId,
    issueId: issue.id,
    authorAgentId: null,
    authorUserId: null,
    body,
    createdAt: unit.now,
  });
  await unit.tx.appendActivity(
    { companyId: issue.companyId, actor: 'system', action: 'issue-escalated', entityType: 'issue', entityId: issue.id },
    unit.now,
  );
  unit.liveEvent(issue.companyId, 'issue-updated', { issueId: issue.id, status: 'blocked' });
  unit.liveEvent(issue.companyId, 'issue-commented', { issueId: issue.id });
}
