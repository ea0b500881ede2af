import { reasonToSkip } from '../admit/plan-admission.js';
import type { Agent, Issue, Run } from '../model/index.js';

/** Whether a queued run still makes sense now that it could start: agent active, issue open, assignee unchanged. */
export function planClaim(facts: {
  readonly run: Pick<Run, 'invocationSource' | 'agentId' | 'issueId'>;
  readonly agent: Agent | null;
  readonly issue: Issue | null;
}): { readonly kind: 'start' } | { readonly kind: 'skip'; readonly reason: string } {
  const { run, agent, issue } = facts;
  if (!agent) return { kind: 'skip', reason: 'the agent does not exist any more' };
  if (run.issueId !== null && !issue) return { kind: 'skip', reason: 'the issue does not exist any more' };
  const reason = reasonToSkip({ agent, issue, source: run.invocationSource });
  if (reason !== null) return { kind: 'skip', reason };
  // Only an assignment depends on the assignee: a mention or an operator may wake anybody for an issue.
  if (run.invocationSource === 'assignment' && issue && issue.assigneeAgentId !== run.agentId) {
    return { kind: 'skip', reason: 'the issue is assigned to somebody else now' };
  }
  return { kind: 'start' };
}
