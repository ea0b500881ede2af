import type { Agent, Issue, Run } from '../model/index.js';

export interface StrandedFacts {
  readonly issue: Pick<Issue, 'status' | 'assigneeAgentId' | 'assigneeUserId' | 'recoveryUsed'>;
  /** A queued, deferred or running run of the issue exists. */
  readonly hasActiveWork: boolean;
  readonly lastRun: Pick<Run, 'id' | 'status' | 'errorCode' | 'error' | 'contextSnapshot'> | null;
  readonly agent: Pick<Agent, 'status'> | null;
  readonly isAdapterFound: boolean;
}

type RecoveryReason = 'assignment_recovery' | 'issue_continuation_needed';

export type StrandedPlan =
  | { readonly kind: 'leave'; readonly why: string }
  | { readonly kind: 'requeue'; readonly retryReason: RecoveryReason }
  | { readonly kind: 'escalate'; readonly comment: string };

/** What becomes of an assigned issue that nobody works on: one more try, then a person is asked. */
export function planStranded(facts: StrandedFacts): StrandedPlan {
  const { issue, lastRun, agent } = facts;
  if (issue.assigneeUserId !== null || issue.assigneeAgentId === null) return leave('it is not assigned to an agent');
  if (issue.status !== 'todo' && issue.status !== 'in_progress') return leave(`it is ${issue.status}`);
  if (facts.hasActiveWork) return leave('work for it is queued or running');
  if (!lastRun) return leave('no run was ever tried');
  if (lastRun.status === 'succeeded') return leave('its last run succeeded');
  if (agent?.status !== 'active') return leave('its agent is not active');
  if (!facts.isAdapterFound) return leave('its adapter is not available');
  const retryReason = issue.status === 'todo' ? 'assignment_recovery' : 'issue_continuation_needed';
  const isUsed = issue.recoveryUsed === retryReason || lastRun.contextSnapshot.retryReason === retryReason;
  if (!isUsed) return { kind: 'requeue', retryReason };
  return { kind: 'escalate', comment: escalation(retryReason, lastRun) };
}

function escalation(reason: RecoveryReason, lastRun: NonNullable<StrandedFacts['lastRun']>): string {
  const what =
    reason === 'assignment_recovery'
      ? 'Runbeat retried dispatch of this issue once, and it was not picked up.'
      : 'Runbeat retried continuation of this issue once, and the work ended again before it was finished.';
  const code = lastRun.errorCode === null ? '' : ` (${lastRun.errorCode})`;
  const failure = `The last run, ${lastRun.id}, ${wordOf[lastRun.status]}${code}: ${lastRun.error ?? 'it gave no reason'}`;
  return `${what} ${failure}\n\nThe issue is blocked until somebody looks at it. Setting it back to todo wakes its agent again.`;
}

const wordOf = {
  queued: 'is queued',
  running: 'is running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'was cancelled',
  timed_out: 'timed out',
} as const satisfies Record<Run['status'], string>;

function leave(why: string): StrandedPlan {
  return { kind: 'leave', why };
}
