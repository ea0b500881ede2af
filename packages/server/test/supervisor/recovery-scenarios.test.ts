import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { createScriptedAdapter } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent, RunId } from '../../src/supervisor/model/index.js';
import type { FakeProcessTable } from '../../src/supervisor/testing/fake-process-table.js';
import type { TestInstance } from '../../src/supervisor/testing/supervisor-harness.js';
import { createScenarioWorld, type ScenarioWorld, scenarioStores } from './scenario-world.js';

const minutes = 60_000;

/** Never used twice: all tests of a file play on one host. */
let pid = 70_000;

function processHandle(recordedPid: number, rest: Partial<ProcessHandleV1> = {}): ProcessHandleV1 {
  return {
    kind: 'process',
    pid: recordedPid,
    processGroupId: recordedPid,
    startedAt: '2026-01-01T00:00:00.000Z',
    host: 'test-host',
    bootId: 'boot',
    startTicks: '5',
    ...rest,
  };
}

describe.each(scenarioStores)('recovery on the %s store', (kind) => {
  let world: ScenarioWorld;
  let agent: Agent;
  beforeEach(async () => {
    world = await createScenarioWorld(kind);
    agent = await world.addAgent();
  });
  afterEach(async () => {
    await world.stopAll();
  });
  const wake = async (instance: TestInstance): Promise<RunId> => {
    const answer = await instance.supervisor.enqueueWakeup({
      companyId: world.companyId,
      agentId: agent.id,
      source: 'on_demand',
    });
    return (answer.run as { id: RunId }).id;
  };
  const eventTypes = async (id: RunId): Promise<string[]> =>
    (await world.store.listRunEvents(id, { afterSeq: 0, limit: 100 })).map((event) => event.type);

  describe('attached runs whose server died', () => {
    const attached = createScriptedAdapter({ kind: 'attached' }).adapter;

    it('C11 keeps one whose process lives, warns with its pid, and leaves its wake claimed', async () => {
      const instance = await world.start([attached]);
      pid += 1;
      (instance.processes as FakeProcessTable).states.set(pid, { state: 'alive' });
      const kept = await world.addRun(agent, { handle: processHandle(pid), processPid: pid });
      expect(await instance.supervisor.reapOrphanedRuns()).toEqual({ reaped: 0, runIds: [] });
      expect(await world.run(kept.id)).toMatchObject({
        status: 'running',
        phase: 'detached',
        warning: { code: 'process_detached' },
      });
      expect((await world.run(kept.id)).warning?.message).toContain(String(pid));
      expect((await world.wakeup(kept.wakeupRequestId)).status).toBe('claimed');
    });

    it('C14 clears the warning when the run shows activity', async () => {
      pid += 1;
      const instance = await world.start([attached]);
      (instance.processes as FakeProcessTable).states.set(pid, { state: 'alive' });
      const run = await world.addRun(agent, { handle: processHandle(pid) });
      await instance.supervisor.reapOrphanedRuns();
      expect((await world.run(run.id)).warning).not.toBeNull();
      await world.clock.advance(5_000);
      await instance.supervisor.reportRunActivity(run.id);
      expect((await world.run(run.id)).warning).toBeNull();
      expect((await world.run(run.id)).updatedAt).toEqual(world.clock.now());
    });

    it('C2 enforces deadline and cancel of a detached process by its handle', async () => {
      const instance = await world.start([attached]);
      const { states, terminated } = instance.processes as FakeProcessTable;
      const late = pid + 1;
      const unwanted = pid + 2;
      pid += 2;
      states.set(late, { state: 'alive' });
      states.set(unwanted, { state: 'alive' });
      const deadlineAt = new Date(world.clock.now().getTime() + 2 * minutes);
      const overdue = await world.addRun(agent, { handle: processHandle(late), deadlineAt, timeoutMs: 2 * minutes });
      const cancelled = await world.addRun(agent, { handle: processHandle(unwanted) });
      await instance.supervisor.reapOrphanedRuns();
      await instance.supervisor.cancelRun(cancelled.id, { reason: 'stop it', actor: { kind: 'user', userId: 'u' } });
      expect(await world.ended(cancelled.id)).toMatchObject({ status: 'cancelled', error: 'stop it' });
      await world.clock.advance(3 * minutes);
      expect(await world.run(overdue.id)).toMatchObject({ status: 'timed_out', errorCode: 'timeout' });
      expect(terminated).toContain(late);
      expect(terminated).toContain(unwanted);
    });

    it('C12 loses one whose process is gone, retries it once, and moves the lock but not the checkout', async () => {
      pid += 1;
      const issue = await world.addIssue({ status: 'in_progress', assigneeAgentId: agent.id });
      const run = await world.addRun(agent, { handle: processHandle(pid), issueId: issue.id });
      await world.store.transaction((tx) =>
        tx.patchIssue(issue.id, { checkoutRunId: run.id, executionRunId: run.id }, world.clock.now()),
      );
      const hold = createScriptedAdapter({ kind: 'attached', beforeStart: () => new Promise(() => undefined) }).adapter;
      await world.start([hold]);
      expect(await world.run(run.id)).toMatchObject({ status: 'failed', errorCode: 'process_lost' });
      expect((await world.wakeup(run.wakeupRequestId)).status).toBe('failed');
      const [, retry, ...more] = await world.runsOf(agent.id);
      expect(more).toEqual([]);
      expect(retry).toMatchObject({ retryOfRunId: run.id, processLossRetryCount: 1, issueId: issue.id });
      expect(await world.issue(issue.id)).toMatchObject({ executionRunId: retry?.id, checkoutRunId: run.id });
    });

    it('C12 does not retry a second loss and frees the lock', async () => {
      pid += 1;
      const issue = await world.addIssue({ status: 'in_progress', assigneeAgentId: agent.id });
      const run = await world.addRun(agent, { handle: processHandle(pid), issueId: issue.id, processLossRetryCount: 1 });
      await world.store.transaction((tx) =>
        tx.patchIssue(issue.id, { checkoutRunId: run.id, executionRunId: run.id }, world.clock.now()),
      );
      await world.start([attached]);
      expect(await world.run(run.id)).toMatchObject({ status: 'failed', errorCode: 'process_lost' });
      expect(await world.runsOf(agent.id)).toHaveLength(1);
      expect(await world.issue(issue.id)).toMatchObject({ executionRunId: null, checkoutRunId: run.id });
    });

    it('C10 loses one whose pid belongs to a stranger, and does not signal the stranger', async () => {
      const instance = await world.start([attached]);
      const { states, terminated } = instance.processes as FakeProcessTable;
      pid += 1;
      states.set(pid, { state: 'gone', isReused: true, livingGroupMembers: 0 });
      const run = await world.addRun(agent, { handle: processHandle(pid) });
      expect((await instance.supervisor.reapOrphanedRuns()).runIds).toEqual([run.id]);
      expect(await world.run(run.id)).toMatchObject({ errorCode: 'process_lost' });
      expect(terminated).not.toContain(pid);
    });

    it('C13 ends the group that a dead process left behind, says so, and retries once', async () => {
      const instance = await world.start([attached]);
      const { states, terminated } = instance.processes as FakeProcessTable;
      pid += 1;
      states.set(pid, { state: 'gone', isReused: false, livingGroupMembers: 2 });
      const run = await world.addRun(agent, { handle: processHandle(pid) });
      await instance.supervisor.reapOrphanedRuns();
      expect((await world.run(run.id)).error).toContain('descendant process group');
      expect(terminated).toContain(pid);
      expect((await world.runsOf(agent.id)).filter((each) => each.retryOfRunId === run.id)).toHaveLength(1);
    });

    it('names the host of a process that was elsewhere', async () => {
      const run = await world.addRun(agent, { handle: processHandle(1, { host: 'far-away' }) });
      await world.start([attached]);
      expect((await world.run(run.id)).error).toContain('far-away');
    });

    it('does nothing twice when two servers sweep at once', async () => {
      const first = await world.start([attached]);
      const second = await world.start([attached]);
      pid += 1;
      const run = await world.addRun(agent, { handle: processHandle(pid) });
      const answers = await Promise.all([
        first.supervisor.reapOrphanedRuns(),
        second.supervisor.reapOrphanedRuns(),
        first.supervisor.reapOrphanedRuns(),
      ]);
      expect(answers.flatMap((answer) => answer.runIds)).toEqual([run.id]);
      expect((await world.runsOf(agent.id)).filter((each) => each.retryOfRunId === run.id)).toHaveLength(1);
    });
  });

  describe('log-driven runs', () => {
    const settings = { livenessStaleAfterMs: 5 * minutes, livenessRefreshThrottleMs: 60_000 };

    it('C15 keeps a chatty one for 12 minutes with at most one refresh a minute', async () => {
      const scripted = createScriptedAdapter({ kind: 'log-driven' });
      const instance = await world.start([scripted.adapter], { settings });
      const id = await wake(instance);
      const workload = await scripted.world.workload(id);
      const stamps = new Set<number>();
      for (let second = 0; second < 12 * 60; second += 5) {
        await workload.write('stdout', `${second}\n`);
        await world.clock.advance(5_000);
        stamps.add((await world.run(id)).updatedAt.getTime());
      }
      expect(await world.run(id)).toMatchObject({ status: 'running' });
      expect(stamps.size).toBeLessThanOrEqual(13);
      expect(stamps.size).toBeGreaterThanOrEqual(10);
      workload.end({ status: 'succeeded' });
      expect(await world.ended(id)).toMatchObject({ status: 'succeeded' });
    });

    it('C16 loses a silent one after 5 minutes and ends its work, but not before the server has listened that long', async () => {
      const scripted = createScriptedAdapter({ kind: 'log-driven' });
      const first = await world.start([scripted.adapter], { settings });
      const id = await wake(first);
      const workload = await scripted.world.workload(id);
      await world.clock.advance(1_000);
      first.kill();
      await world.clock.advance(20 * minutes);
      const second = await world.start([scripted.adapter], { settings });
      expect((await world.run(id)).status).toBe('running');
      await world.clock.advance(4.5 * minutes);
      expect((await world.run(id)).status).toBe('running');
      await world.clock.advance(2 * minutes);
      expect(await world.run(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_liveness_lost' });
      expect(workload.stopRequests).toEqual(['lost']);
      expect(second.supervisor.activeRunIds()).toEqual([]);
      expect(await world.runsOf(agent.id)).toHaveLength(1);
    });

    it('C16 loses a silent one that this server executes', async () => {
      const scripted = createScriptedAdapter({ kind: 'log-driven' });
      const instance = await world.start([scripted.adapter], { settings });
      const id = await wake(instance);
      const workload = await scripted.world.workload(id);
      await world.clock.advance(4.9 * minutes);
      expect((await world.run(id)).status).toBe('running');
      await world.clock.advance(minutes);
      expect(await world.run(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_liveness_lost' });
      expect(workload.state.kind).toBe('stopped');
      expect(instance.supervisor.activeRunIds()).toEqual([]);
    });
  });

  describe('runs that can be asked about', () => {
    it('C3 survive their server ten times: one run, one execution, a complete log', async () => {
      const scripted = createScriptedAdapter();
      let instance = await world.start([scripted.adapter]);
      const id = await wake(instance);
      const workload = await scripted.world.workload(id);
      for (let kill = 0; kill < 10; kill += 1) {
        await workload.write('stdout', `line ${kill}\n`);
        instance.kill();
        const written = workload.write('stdout', `while away ${kill}\n`);
        await world.clock.advance(1_000);
        instance = await world.start([scripted.adapter]);
        await written;
      }
      workload.end({ status: 'succeeded' });
      expect(await world.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
      const expected = Array.from({ length: 10 }, (_, kill) => `line ${kill}\nwhile away ${kill}\n`).join('');
      expect(world.logStore.textOf(id)).toBe(expected);
      expect(workload.executions).toBe(1);
      expect(await world.runsOf(agent.id)).toHaveLength(1);
    });

    it('settle with the true result of work that ended while nobody watched', async () => {
      const scripted = createScriptedAdapter();
      const first = await world.start([scripted.adapter]);
      const id = await wake(first);
      const workload = await scripted.world.workload(id);
      first.kill();
      void workload.write('stdout', 'last words\n');
      workload.end({ status: 'failed', error: { code: 'exit_nonzero', message: 'Exit code 7.', retryable: false, exitCode: 7 } });
      await world.start([scripted.adapter]);
      expect(await world.ended(id)).toMatchObject({ status: 'failed', errorCode: 'exit_nonzero', exitCode: 7 });
      expect(world.logStore.textOf(id)).toBe('last words\n');
    });

    it('C17 stay while nothing can be found out, and are followed again when it can', async () => {
      const scripted = createScriptedAdapter();
      const first = await world.start([scripted.adapter]);
      const id = await wake(first);
      const workload = await scripted.world.workload(id);
      first.kill();
      workload.answerProbes({ state: 'unknown', retryAfterMs: 10_000, message: 'API away' });
      const second = await world.start([scripted.adapter]);
      await world.clock.advance(20 * minutes);
      expect((await world.run(id)).status).toBe('running');
      workload.answerProbes();
      await world.clock.advance(minutes);
      expect(second.supervisor.activeRunIds()).toEqual([id]);
      workload.end({ status: 'succeeded' });
      expect(await world.ended(id)).toMatchObject({ status: 'succeeded' });
    });

    it('are lost when nothing could be found out for 30 minutes', async () => {
      const scripted = createScriptedAdapter();
      const first = await world.start([scripted.adapter]);
      const id = await wake(first);
      const workload = await scripted.world.workload(id);
      first.kill();
      workload.answerProbes({ state: 'unknown', retryAfterMs: 10_000, message: 'API away' });
      await world.start([scripted.adapter]);
      await world.clock.advance(31 * minutes);
      expect(await world.run(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_liveness_lost' });
      expect(workload.state.kind).toBe('stopped');
    });

    it('are lost when the adapter says twice that they are gone, and not when it says so once', async () => {
      const scripted = createScriptedAdapter();
      const first = await world.start([scripted.adapter]);
      const [blip, gone] = [await wake(first), await wake(first)];
      const [blipping, vanished] = [await scripted.world.workload(blip), await scripted.world.workload(gone)];
      first.kill();
      blipping.answerProbes({ state: 'gone' }, { state: 'alive' });
      vanished.vanish();
      await world.start([scripted.adapter]);
      expect(await world.run(blip)).toMatchObject({ status: 'running', phase: 'reattaching' });
      expect(await world.run(gone)).toMatchObject({ status: 'failed', errorCode: 'adapter_liveness_lost' });
      blipping.end({ status: 'succeeded' });
      expect((await world.ended(blip)).status).toBe('succeeded');
    });

    it('are followed by a new worker when the adapter crashes', async () => {
      const scripted = createScriptedAdapter();
      const instance = await world.start([scripted.adapter]);
      const id = await wake(instance);
      const workload = await scripted.world.workload(id);
      await workload.write('stdout', 'one\n');
      const { AdapterError } = await import('@runbeat/adapter-sdk');
      workload.crashAdapter(new AdapterError('adapter_crashed', 'The worker ran out of memory.'));
      await world.clock.advance(5_000);
      await workload.write('stdout', 'two\n');
      workload.end({ status: 'succeeded' });
      expect(await world.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
      expect(world.logStore.textOf(id)).toBe('one\ntwo\n');
    });

    it("fail as the adapter's error, with their work ended, when it rejects", async () => {
      const scripted = createScriptedAdapter();
      const instance = await world.start([scripted.adapter]);
      const id = await wake(instance);
      const workload = await scripted.world.workload(id);
      workload.crashAdapter(new TypeError('undefined is not a function'));
      expect(await world.ended(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_error' });
      expect(workload.state.kind).toBe('stopped');
    });
  });

  it('C18 waits for an adapter that is missing, says so, and gives a running run up after 30 minutes', async () => {
    const scripted = createScriptedAdapter();
    const first = await world.start([scripted.adapter]);
    const running = await wake(first);
    await scripted.world.workload(running);
    first.kill();
    const second = await world.start([]);
    const waiting = await wake(second);
    await world.clock.advance(10 * minutes);
    expect((await world.run(running)).status).toBe('running');
    expect((await world.run(waiting)).status).toBe('queued');
    expect((await second.supervisor.explainRun(waiting))[0]).toMatchObject({ code: 'adapter_missing' });
    await world.clock.advance(21 * minutes);
    expect(await world.run(running)).toMatchObject({ status: 'failed', errorCode: 'adapter_missing' });
    second.adapters.set(scripted.adapter.type, scripted.adapter);
    second.adaptersChanged();
    (await scripted.world.workload(waiting)).end({ status: 'succeeded' });
    expect((await world.ended(waiting)).status).toBe('succeeded');
  });

  it('C24 gives a run up that kills its server at each start, after two deaths', async () => {
    let starts = 0;
    const poison = createScriptedAdapter({
      beforeStart: () => {
        starts += 1;
        return new Promise(() => undefined);
      },
    }).adapter;
    const first = await world.start([poison]);
    const id = await wake(first);
    await world.clock.advance(0);
    first.kill();
    const second = await world.start([poison]);
    expect(await world.run(id)).toMatchObject({ status: 'running', phase: 'starting', attempt: 2 });
    await world.clock.advance(0);
    second.kill();
    await world.start([poison]);
    expect(await world.run(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_crashed' });
    expect(starts).toBe(2);
    expect(await eventTypes(id)).toContain('run-restarted');
  });
});
