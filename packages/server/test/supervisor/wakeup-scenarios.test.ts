import { createScriptedAdapter, type ScriptedAdapter } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent, Issue, Run, RunId } from '../../src/supervisor/model/index.js';
import type { Supervisor, WakeupAnswer, WakeupInput } from '../../src/supervisor/supervisor.js';
import type { TestInstance } from '../../src/supervisor/testing/supervisor-harness.js';
import { createScenarioWorld, emptySnapshot, type ScenarioWorld, scenarioStores } from './scenario-world.js';

const user = { kind: 'user', userId: 'u1' } as const;

describe.each(scenarioStores)('wakes and issues on the %s store', (kind) => {
  let world: ScenarioWorld;
  let agent: Agent;
  let scripted: ScriptedAdapter;
  let instance: TestInstance;
  let supervisor: Supervisor;
  beforeEach(async () => {
    world = await createScenarioWorld(kind);
    agent = await world.addAgent();
    scripted = createScriptedAdapter();
    instance = await world.start([scripted.adapter]);
    ({ supervisor } = instance);
  });
  afterEach(async () => {
    await world.stopAll();
  });

  const wake = (input: Partial<WakeupInput> = {}): Promise<WakeupAnswer> =>
    supervisor.enqueueWakeup({ companyId: world.companyId, agentId: agent.id, source: 'on_demand', ...input });
  const queuedRun = async (input: Partial<WakeupInput> = {}): Promise<Run> => (await wake(input)).run as Run;
  const end = async (id: RunId): Promise<Run> => {
    (await scripted.world.workload(id)).end({ status: 'succeeded' });
    return world.ended(id);
  };
  const failedIssue = async (status: Issue['status'], rest: Partial<Issue> = {}): Promise<Issue> => {
    const issue = await world.addIssue({ status, assigneeAgentId: agent.id, ...rest });
    await world.clock.advance(10);
    await world.addRun(agent, { issueId: issue.id, status: 'failed', errorCode: 'exit_nonzero', error: 'Exit code 2.' });
    return issue;
  };
  const latestRun = async (issue: Issue): Promise<Run> =>
    (await world.runsOf(agent.id)).filter((run) => run.issueId === issue.id).at(-1) as Run;

  it('W1 dispatches an assigned issue once when its last run failed', async () => {
    const issue = await failedIssue('todo');
    const answer = await supervisor.reconcileStrandedAssignedIssues();
    expect(answer).toEqual({ dispatchRequeued: 1, continuationRequeued: 0, escalated: 0, issueIds: [issue.id] });
    expect((await latestRun(issue)).contextSnapshot.retryReason).toBe('assignment_recovery');
    expect((await supervisor.reconcileStrandedAssignedIssues()).issueIds).toEqual([]);
  });

  it.each([
    ['W2', 'todo', 'retried dispatch'],
    ['W4', 'in_progress', 'retried continuation'],
  ] as const)('%s blocks the issue with one comment when the one recovery of %s failed too', async (_case, status, words) => {
    const issue = await failedIssue(status);
    await supervisor.reconcileStrandedAssignedIssues();
    const retry = await latestRun(issue);
    (await scripted.world.workload(retry.id)).end({
      status: 'failed',
      error: { code: 'exit_nonzero', message: 'Exit code 9.', retryable: false },
    });
    await world.ended(retry.id);
    expect(await supervisor.reconcileStrandedAssignedIssues()).toMatchObject({ escalated: 1, issueIds: [issue.id] });
    expect((await supervisor.reconcileStrandedAssignedIssues()).escalated).toBe(0);
    expect((await world.issue(issue.id)).status).toBe('blocked');
    const comments = await world.commentsOf(issue.id);
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain(words);
    expect(comments[0]?.body).toContain('Exit code 9.');
  });

  it('W2 also counts a recovery that only the last run tells of', async () => {
    const issue = await world.addIssue({ status: 'todo', assigneeAgentId: agent.id });
    const contextSnapshot = { ...emptySnapshot, retryReason: 'assignment_recovery' };
    await world.addRun(agent, { issueId: issue.id, status: 'failed', error: 'no', contextSnapshot });
    expect(await supervisor.reconcileStrandedAssignedIssues()).toMatchObject({ escalated: 1 });
  });

  it('W3 continues an issue in progress once when its last run failed', async () => {
    const issue = await failedIssue('in_progress');
    expect(await supervisor.reconcileStrandedAssignedIssues()).toMatchObject({ continuationRequeued: 1 });
    expect((await latestRun(issue)).contextSnapshot.retryReason).toBe('issue_continuation_needed');
  });

  it('W5 leaves issues that are assigned to a user, to a paused agent or to a missing adapter', async () => {
    await failedIssue('todo', { assigneeAgentId: null, assigneeUserId: 'u1' });
    const paused = await world.addAgent({ name: 'paused', status: 'paused' });
    const foreign = await world.addAgent({ name: 'foreign', adapterType: 'elsewhere' });
    await failedIssue('todo', { assigneeAgentId: paused.id });
    await failedIssue('in_progress', { assigneeAgentId: foreign.id });
    expect((await supervisor.reconcileStrandedAssignedIssues()).issueIds).toEqual([]);
  });

  it('W6 answers the same idempotency key with the same wake, also at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => wake({ idempotencyKey: 'k' })));
    answers.push(await wake({ idempotencyKey: 'k' }));
    expect(new Set(answers.map((answer) => answer.wakeupRequest.id)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.run?.id)).size).toBe(1);
    expect(await world.runsOf(agent.id)).toHaveLength(1);
    const other = await world.addAgent({ name: 'other' });
    await expect(wake({ idempotencyKey: 'k', agentId: other.id })).rejects.toMatchObject({ code: 'idempotency_conflict' });
  });

  it("W7 defers a wake while the issue's run executes, and promotes it once when that ends", async () => {
    const issue = await world.addIssue({ status: 'todo', assigneeAgentId: agent.id });
    const first = await queuedRun({ source: 'assignment', issueId: issue.id });
    await scripted.world.workload(first.id);
    const deferred = await wake({ issueId: issue.id, prompt: 'one' });
    const second = await wake({ issueId: issue.id, prompt: 'two' });
    expect([deferred.outcome, second.outcome, deferred.run]).toEqual(['deferred', 'deferred', null]);
    await end(first.id);
    const runs = await world.runsOf(agent.id);
    expect(runs).toHaveLength(2);
    const promoted = runs[1] as Run;
    expect((await world.wakeup(deferred.wakeupRequest.id)).runId).toBe(promoted.id);
    expect(await world.wakeup(second.wakeupRequest.id)).toMatchObject({ status: 'coalesced', runId: promoted.id });
    expect((await world.issue(issue.id)).executionRunId).toBe(promoted.id);
    await end(promoted.id);
    expect((await world.issue(issue.id)).executionRunId).toBeNull();
    expect(await world.runsOf(agent.id)).toHaveLength(2);
  });

  it('W7 leaves deferred wakes of other agents waiting for their turn', async () => {
    const other = await world.addAgent({ name: 'other' });
    const issue = await world.addIssue({ status: 'in_progress', assigneeAgentId: agent.id });
    const first = await queuedRun({ source: 'assignment', issueId: issue.id });
    await scripted.world.workload(first.id);
    const fromOther = await wake({ issueId: issue.id, agentId: other.id });
    const own = await wake({ issueId: issue.id });
    expect([fromOther.outcome, own.outcome]).toEqual(['deferred', 'deferred']);
    await end(first.id);
    const next = (await world.runsOf(other.id))[0] as Run;
    expect((await world.wakeup(fromOther.wakeupRequest.id)).runId).toBe(next.id);
    expect((await world.wakeup(own.wakeupRequest.id)).status).toBe('deferred');
    await end(next.id);
    const last = (await world.wakeup(own.wakeupRequest.id)).runId as RunId;
    expect((await world.issue(issue.id)).executionRunId).toBe(last);
    await end(last);
  });

  it('folds a wake into a queued run of the same issue and keeps its context', async () => {
    const busy = await world.addAgent({
      name: 'busy',
      runtimeConfig: { ...agent.runtimeConfig, heartbeat: { ...agent.runtimeConfig.heartbeat, maxConcurrentRuns: 1 } },
    });
    await scripted.world.workload((await queuedRun({ agentId: busy.id })).id);
    const issue = await world.addIssue({ status: 'todo', assigneeAgentId: busy.id });
    const queued = await queuedRun({ agentId: busy.id, issueId: issue.id, prompt: 'first' });
    const folded = await wake({ agentId: busy.id, issueId: issue.id, prompt: 'second', priority: 3 });
    expect(folded).toMatchObject({ outcome: 'coalesced', run: { id: queued.id } });
    const run = await world.run(queued.id);
    expect(run.priority).toBe(3);
    expect(run.contextSnapshot.coalesced.map((wakeup) => wakeup.prompt)).toEqual(['second']);
    expect((await world.wakeup(queued.wakeupRequestId)).coalescedCount).toBe(1);
  });

  it('W8 wakes on assignment, on blocked → todo and on a mention, and never by an own comment', async () => {
    const created = await supervisor.issues.create(
      { companyId: world.companyId, title: 'roof', assigneeAgentId: agent.id },
      user,
    );
    const first = await latestRun(created);
    expect(created.executionRunId).toBe(first.id);
    await end(first.id);
    await supervisor.issues.update(created.id, { status: 'blocked' }, user);
    expect(await world.runsOf(agent.id)).toHaveLength(1);
    await supervisor.issues.update(created.id, { status: 'todo' }, user);
    expect(await world.runsOf(agent.id)).toHaveLength(2);
    await end((await latestRun(created)).id);

    const other = await world.addAgent({ name: 'Code Reviewer' });
    await supervisor.issues.comment(created.id, 'please look, @code reviewer!', {
      kind: 'agent',
      agentId: agent.id,
      runId: null,
    });
    const mentioned = (await world.runsOf(other.id))[0] as Run;
    expect(mentioned.contextSnapshot.prompt).toContain('please look');
    await end(mentioned.id);
    await supervisor.issues.comment(created.id, 'I am @Code Reviewer', { kind: 'agent', agentId: other.id, runId: null });
    expect(await world.runsOf(other.id)).toHaveLength(1);
  });

  it('W9 tells telemetry the role at the first run of an agent, once', async () => {
    await end((await queuedRun()).id);
    await end((await queuedRun()).id);
    const first = instance.telemetry.filter((event) => event.name === 'agent.first_heartbeat');
    expect(first).toEqual([{ name: 'agent.first_heartbeat', role: 'engineer' }]);
  });

  it('skips a wake of a paused agent, and a queued run whose issue was given away', async () => {
    const paused = await world.addAgent({ name: 'paused', status: 'paused', statusReason: 'holiday' });
    expect(await wake({ agentId: paused.id })).toMatchObject({ outcome: 'skipped', run: null });
    const one = { ...agent.runtimeConfig, heartbeat: { ...agent.runtimeConfig.heartbeat, maxConcurrentRuns: 1 } };
    const busy = await world.addAgent({ name: 'busy', runtimeConfig: one });
    const holder = await queuedRun({ agentId: busy.id });
    await scripted.world.workload(holder.id);
    const issue = await world.addIssue({ status: 'todo', assigneeAgentId: busy.id });
    const waiting = await queuedRun({ agentId: busy.id, source: 'assignment', issueId: issue.id });
    await supervisor.issues.update(issue.id, { assigneeAgentId: agent.id }, user);
    await end(holder.id);
    expect(await world.ended(waiting.id)).toMatchObject({ status: 'cancelled', errorCode: 'issue_stale', startedAt: null });
    expect((await world.wakeup(waiting.wakeupRequestId)).status).toBe('skipped');
    // The new assignee's wake had waited for the lock.
    expect((await latestRun(issue)).agentId).toBe(agent.id);
    await end((await latestRun(issue)).id);
  });

  it('keeps to the slots of an agent and takes the more urgent run first', async () => {
    const one = { ...agent.runtimeConfig, heartbeat: { ...agent.runtimeConfig.heartbeat, maxConcurrentRuns: 1 } };
    const busy = await world.addAgent({ name: 'busy', runtimeConfig: one });
    const first = await queuedRun({ agentId: busy.id });
    await scripted.world.workload(first.id);
    const idle = await queuedRun({ agentId: busy.id });
    const urgent = await queuedRun({ agentId: busy.id, priority: 10 });
    expect((await supervisor.explainRun(idle.id))[0]?.code).toBe('waits_for_agent_slot');
    await end(first.id);
    await scripted.world.workload(urgent.id);
    expect((await world.run(idle.id)).status).toBe('queued');
    await end(urgent.id);
    await end(idle.id);
  });

  it('retries a passing failure twice, later each time and never before the time that it names', async () => {
    const first = await queuedRun();
    const notBefore = new Date(world.clock.now().getTime() + 600_000);
    const failure = { code: 'exit_nonzero', message: 'rate limit', retryable: true } as const;
    (await scripted.world.workload(first.id)).end({
      status: 'failed',
      error: { ...failure, retryNotBefore: notBefore.toISOString() },
    });
    await world.ended(first.id);
    const second = (await world.runsOf(agent.id))[1] as Run;
    expect(second).toMatchObject({ status: 'queued', retryOfRunId: first.id, transientRetryCount: 1 });
    expect(second.notBefore).toEqual(notBefore);
    expect((await supervisor.explainRun(second.id))[0]?.code).toBe('waits_for_time');
    await world.clock.advance(620_000);
    (await scripted.world.workload(second.id)).end({ status: 'failed', error: failure });
    await world.ended(second.id);
    const third = (await world.runsOf(agent.id))[2] as Run;
    const delayMs = (third.notBefore as Date).getTime() - world.clock.now().getTime();
    expect(delayMs).toBeGreaterThan(90_000);
    expect(delayMs).toBeLessThan(145_000);
    await world.clock.advance(160_000);
    (await scripted.world.workload(third.id)).end({ status: 'failed', error: failure });
    await world.ended(third.id);
    expect(await world.runsOf(agent.id)).toHaveLength(3);
  });

  it('wakes by the timer, at most one queued per agent', async () => {
    const heartbeat = { enabled: true, intervalSec: 60, wakeOnDemand: true, maxConcurrentRuns: 1 };
    const timed = await world.addAgent({ name: 'timed', runtimeConfig: { ...agent.runtimeConfig, heartbeat } });
    await world.clock.advance(15 * 60_000);
    const runs = await world.runsOf(timed.id);
    // One works, one waits; the wakes of a quarter of an hour are folded into it.
    expect(runs.map((run) => run.status)).toEqual(['running', 'queued']);
    expect((await world.wakeup((runs[1] as Run).wakeupRequestId)).coalescedCount).toBeGreaterThan(5);
  });

  it('lets one run at a time check an issue out, and a later one take over from a dead one', async () => {
    const issue = await world.addIssue({ status: 'todo' });
    const [first, second] = [await queuedRun(), await queuedRun()];
    await scripted.world.workload(first.id);
    await scripted.world.workload(second.id);
    expect(await supervisor.issues.checkout(issue.id, first.id)).toMatchObject({
      status: 'in_progress',
      checkoutRunId: first.id,
    });
    await expect(supervisor.issues.checkout(issue.id, second.id)).rejects.toMatchObject({ code: 'issue_checked_out' });
    await end(first.id);
    expect((await supervisor.issues.checkout(issue.id, second.id)).checkoutRunId).toBe(second.id);
    expect(await supervisor.issues.release(issue.id, second.id)).toMatchObject({ status: 'todo', checkoutRunId: null });
    await end(second.id);
  });

  it('cancels a queued run at once and frees its issue', async () => {
    const one = { ...agent.runtimeConfig, heartbeat: { ...agent.runtimeConfig.heartbeat, maxConcurrentRuns: 1 } };
    const busy = await world.addAgent({ name: 'busy', runtimeConfig: one });
    const holder = await queuedRun({ agentId: busy.id });
    await scripted.world.workload(holder.id);
    const issue = await world.addIssue({ status: 'todo', assigneeAgentId: busy.id });
    const waiting = await queuedRun({ agentId: busy.id, issueId: issue.id });
    expect(await supervisor.cancelRun(waiting.id, { reason: null, actor: user })).toMatchObject({ status: 'cancelled' });
    expect((await world.issue(issue.id)).executionRunId).toBeNull();
    await expect(supervisor.retryRun(holder.id, user)).rejects.toMatchObject({ code: 'run_not_finished' });
    expect(await supervisor.retryRun(waiting.id, user)).toMatchObject({
      outcome: 'queued',
      run: { contextSnapshot: { retryReason: 'manual' } },
    });
    await end(holder.id);
  });
});
