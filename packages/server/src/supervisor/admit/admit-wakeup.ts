import {
  type Agent,
  type Issue,
  isTerminalRunStatus,
  type Run,
  runFromNew,
  SupervisorError,
  type WakeupRequest,
} from '../model/index.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { WakeupAnswer, WakeupInput } from '../supervisor.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';
import { answerFromStored } from './answer-from-stored.js';
import { foldWakeup } from './fold-wakeup.js';
import { configOverrideOf, runFromWakeup, wakeupFromInput } from './new-work.js';
import { planAdmission } from './plan-admission.js';

/**
 * Takes a wake in, inside the caller's transaction: reads the facts under the locks that make them stay true, plans, and
 * writes the wakeup request and what follows from it. The same idempotency key is answered from what is stored.
 */
export async function admitWakeup(unit: UnitOfWork, input: WakeupInput): Promise<WakeupAnswer> {
  const { tx } = unit;
  if (input.idempotencyKey) {
    await tx.lockIdempotencyKey(input.companyId, input.idempotencyKey);
    const known = await tx.findWakeupByIdempotencyKey(input.companyId, input.idempotencyKey);
    if (known) return answerFromStored(unit, known, input);
  }
  // "At most one timer wake queued" needs the agent's lock; all else is serialised by the issue's.
  const agent = input.source === 'timer' ? await tx.lockAgent(input.agentId) : await tx.getAgent(input.agentId);
  if (agent?.companyId !== input.companyId) {
    throw new SupervisorError('agent_not_found', `There is no agent ${input.agentId} in company ${input.companyId}.`);
  }
  const issue = input.issueId ? await tx.lockIssue(input.issueId) : null;
  if (input.issueId && issue?.companyId !== input.companyId) {
    throw new SupervisorError('issue_not_found', `There is no issue ${input.issueId} in company ${input.companyId}.`);
  }
  const isDistinct =
    configOverrideOf(input.adapterConfigOverride) !== null || Boolean(input.placement) || typeof input.timeoutMs === 'number';
  const wakeup = wakeupFromInput(input, unit.now);
  const plan = planAdmission({
    source: input.source,
    agent,
    issue,
    lockHolder: issue ? await lockHolderOf(unit, issue) : null,
    queuedRun: await foldTarget(unit, agent, input),
    isDistinct,
  });
  switch (plan.kind) {
    case 'skip':
      return close(unit, { ...wakeup, status: 'skipped', statusReason: plan.reason }, plan.reason);
    case 'defer':
      return close(unit, { ...wakeup, status: 'deferred', statusReason: plan.reason }, plan.reason);
    case 'coalesce': {
      const folded = await foldWakeup(unit, wakeup, plan.into);
      // Claimed while we looked: with an issue the run now holds its lock, without one the timer simply queues its next.
      if (folded === 'stale' && issue) {
        const reason = `run ${plan.into.id} just began to work on the issue; this wake follows when it ends`;
        return close(unit, { ...wakeup, status: 'deferred', statusReason: reason }, reason);
      }
      if (folded === 'stale') return queue(unit, wakeup, agent, issue, input);
      const stored: WakeupRequest = { ...wakeup, status: 'coalesced', statusReason: plan.reason, runId: plan.into.id };
      await tx.insertWakeup(stored);
      return { outcome: 'coalesced', reason: plan.reason, wakeupRequest: stored, run: plan.into };
    }
    case 'queue':
      return queue(unit, wakeup, agent, issue, input);
  }
}

/** Only a run that is still active holds a lock: one whose row was never freed (an older version's bug) does not block. */
async function lockHolderOf(unit: UnitOfWork, issue: Issue): Promise<{ runId: Run['id']; status: Run['status'] } | null> {
  if (issue.executionRunId === null) return null;
  const holder = await unit.tx.getRun(issue.executionRunId);
  if (!holder || isTerminalRunStatus(holder.status)) return null;
  return { runId: holder.id, status: holder.status };
}

async function foldTarget(unit: UnitOfWork, agent: Agent, input: WakeupInput): Promise<Run | null> {
  if (input.issueId) return unit.tx.findQueuedRun({ agentId: agent.id, issueId: input.issueId });
  // Without an issue two wakes are two pieces of work, except for the timer's, which never pile up.
  if (input.source !== 'timer') return null;
  return unit.tx.findQueuedRun({ agentId: agent.id, issueId: null, source: 'timer' });
}

async function close(unit: UnitOfWork, wakeup: WakeupRequest, reason: string): Promise<WakeupAnswer> {
  await unit.tx.insertWakeup(wakeup);
  const outcome = wakeup.status === 'deferred' ? 'deferred' : 'skipped';
  unit.liveEvent(wakeup.companyId, `wakeup-${outcome}`, {
    wakeupRequestId: wakeup.id,
    agentId: wakeup.agentId,
    issueId: wakeup.issueId,
    reason,
  });
  return { outcome, reason, wakeupRequest: wakeup, run: null };
}

async function queue(
  unit: UnitOfWork,
  wakeup: WakeupRequest,
  agent: Agent,
  issue: Issue | null,
  input: WakeupInput,
): Promise<WakeupAnswer> {
  const run = runFromWakeup(wakeup, agent, input, unit.now);
  const stored: WakeupRequest = { ...wakeup, runId: run.id };
  await unit.tx.insertWakeup(stored);
  await unit.tx.insertRun(run);
  if (issue) await unit.tx.patchIssue(issue.id, { executionRunId: run.id }, unit.now);
  unit.liveEvent(run.companyId, 'run-queued', runLiveData(runFromNew(run)));
  return { outcome: 'queued', reason: null, wakeupRequest: stored, run: runFromNew(run) };
}
