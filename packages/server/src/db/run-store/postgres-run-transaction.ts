import type { RunStoreTransaction } from '../../supervisor/ports/index.js';
import type { Executor } from '../executor.js';
import { keepAnswer } from '../repositories/idempotency-records.js';
import * as agents from './agent-statements.js';
import * as claims from './claim-statements.js';
import * as events from './event-statements.js';
import * as issues from './issue-statements.js';
import * as runs from './run-statements.js';
import * as wakeups from './wakeup-statements.js';

/**
 * The port over one connection inside a transaction. What returns nothing is sent and not waited for (`later`): it fails
 * the commit if it fails, and statements behind it see what it wrote.
 */
export function postgresRunTransaction(executor: Executor, later: (statement: Promise<unknown>) => void): RunStoreTransaction {
  const send = (statement: Promise<void>): Promise<void> => {
    later(statement);
    return Promise.resolve();
  };
  return {
    lockIdempotencyKey: (companyId, key) => send(wakeups.lockIdempotencyKey(executor, companyId, key)),
    findWakeupByIdempotencyKey: (companyId, key) => wakeups.findWakeupByIdempotencyKey(executor, companyId, key),
    getWakeup: (id) => wakeups.getWakeup(executor, id),
    insertWakeup: (wakeup) => send(wakeups.insertWakeup(executor, wakeup)),
    moveWakeup: (guard, patch, now) => wakeups.moveWakeup(executor, guard, patch, now),
    listDeferredWakeups: (issueId) => wakeups.listDeferredWakeups(executor, issueId),

    getAgent: (id) => agents.getAgent(executor, id),
    lockAgent: (id) => agents.lockAgent(executor, id),
    patchAgent: (id, patch, now) => send(agents.patchAgent(executor, id, patch, now)),
    getAgentRuntimeState: (id) => agents.getAgentRuntimeState(executor, id),
    updateAgentRuntimeState: (agent, change) => send(agents.updateAgentRuntimeState(executor, agent, change)),
    listAgentsDueForTimer: (now, limit) => agents.listAgentsDueForTimer(executor, now, limit),
    getAgentSession: (agentId, adapterType, taskKey) => agents.getAgentSession(executor, agentId, adapterType, taskKey),
    putAgentSession: (session, now) => send(agents.putAgentSession(executor, session, now)),
    findAgentsByName: (companyId, names) => agents.findAgentsByName(executor, companyId, names),

    insertRun: (run) => send(runs.insertRun(executor, run)),
    getRun: (id) => runs.getRun(executor, id),
    lockRun: (id) => runs.lockRun(executor, id),
    moveRun: (guard, to, patch) => runs.moveRun(executor, guard, to, patch),
    patchRun: (guard, patch) => runs.patchRun(executor, guard, patch),
    findQueuedRun: (query) => runs.findQueuedRun(executor, query),
    getLastRunOfIssue: (issueId) => runs.getLastRunOfIssue(executor, issueId),
    selectClaimable: (query) => claims.selectClaimable(executor, query),
    countRunningByAgent: (agentIds) => claims.countRunningByAgent(executor, agentIds),

    getIssue: (id) => issues.getIssue(executor, id),
    lockIssue: (id) => issues.lockIssue(executor, id),
    insertIssue: (issue) => send(issues.insertIssue(executor, issue)),
    patchIssue: (id, patch, now) => send(issues.patchIssue(executor, id, patch, now)),
    insertIssueComment: (comment) => send(issues.insertIssueComment(executor, comment)),
    hasActiveWork: (issueId) => issues.issueHasActiveWork(executor, issueId),

    appendRunEvents: (run, newEvents) => send(events.appendEvents(executor, { runs: [{ ...run, events: newEvents }], live: [] })),
    appendLiveEvents: (newEvents) => send(events.appendEvents(executor, { runs: [], live: newEvents })),
    appendEvents: (newEvents) => send(events.appendEvents(executor, newEvents)),
    appendActivity: (entry, now) => send(events.appendActivity(executor, entry, now)),
    // Waited for: a key that is taken is no failure of the statement, so it would not fail the commit.
    keepAnswer: (answer, now) => keepAnswer(executor, answer, now),
  };
}
