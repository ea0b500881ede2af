import { createScriptedAdapter } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerError } from '../../src/server-error.js';
import { type Agent, type CompanyId, createRandomId, type RunId } from '../../src/supervisor/model/index.js';
import type { RunStore } from '../../src/supervisor/ports/index.js';
import { createFakeClock, type FakeClock } from '../../src/supervisor/testing/fake-clock.js';
import { createMemoryLogStore, type MemoryLogStore } from '../../src/supervisor/testing/memory-log-store.js';
import { createMemoryRunStore, type MemoryRunStore } from '../../src/supervisor/testing/memory-run-store.js';
import { createTestInstance, type TestInstance, testAgent } from '../../src/supervisor/testing/supervisor-harness.js';

const companyId = createRandomId<CompanyId>();
let clock: FakeClock;
let store: MemoryRunStore;
let logStore: MemoryLogStore;
let agent: Agent;
let instances: TestInstance[];

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryRunStore();
  logStore = createMemoryLogStore();
  agent = testAgent({ companyId, createdAt: clock.now() });
  store.tables.agents.set(agent.id, agent);
  instances = [];
});
afterEach(async () => {
  for (const instance of instances.filter(({ isDead }) => !isDead())) {
    const stopped = instance.supervisor.stop();
    await clock.advance(10_000);
    await stopped;
  }
});

async function startInstance(scripted = createScriptedAdapter()): Promise<TestInstance & { world: typeof scripted.world }> {
  const instance = createTestInstance({ store, logStore, clock, adapters: [scripted.adapter] });
  instances.push(instance);
  await instance.supervisor.start();
  return { ...instance, world: scripted.world };
}
const settled = async (instance: TestInstance, id: RunId): Promise<ReturnType<MemoryRunStore['tables']['runs']['get']>> => {
  await clock.advanceUntil(() => store.tables.runs.get(id)?.finishedAt !== null);
  return instance.supervisor.whenSettled(id);
};

describe('a run from wake to end', () => {
  it('is queued, claimed at once, executed, logged and settled', async () => {
    const { supervisor, world, telemetry } = await startInstance();
    const answer = await supervisor.enqueueWakeup({ companyId, agentId: agent.id, source: 'on_demand', prompt: 'go' });
    expect(answer.outcome).toBe('queued');
    const id = answer.run?.id as RunId;
    const workload = await world.workload(id);
    await workload.write('stdout', 'hello\n');
    expect(supervisor.activeRunIds()).toEqual([id]);
    expect(store.tables.runs.get(id)).toMatchObject({ status: 'running', phase: 'attached', ownerEpoch: 1, attempt: 1 });
    workload.end({ status: 'succeeded', summary: 'done', usage: { inputTokens: 3 } });
    const run = await supervisor.whenSettled(id);
    expect(run).toMatchObject({ status: 'succeeded', phase: null, exitCode: 0, summary: 'done', logBytes: 6 });
    expect(logStore.textOf(id)).toBe('hello\n');
    expect(store.tables.wakeups.get(answer.wakeupRequest.id)?.status).toBe('completed');
    expect(store.tables.runtimeStates.get(agent.id)).toMatchObject({
      totalRuns: 1,
      totalInputTokens: 3,
      lastRunStatus: 'succeeded',
    });
    expect(telemetry.map((event) => event.name)).toEqual(['agent.first_heartbeat', 'agent.task_completed']);
    // Admission with claim, handle and end are what a run costs; the start looked once for queued runs.
    expect(store.calls.get('transaction')).toBe(4);
  });

  it('is begun by the next sweep when the claim was committed and the answer to the commit was lost', async () => {
    const scripted = createScriptedAdapter();
    let answersLost = 0;
    const unsteady: RunStore = {
      ...store,
      async transaction(work) {
        const answer = await store.transaction(work);
        if (answersLost > 0) {
          answersLost -= 1;
          throw new ServerError('database_unavailable', 'The connection was lost.');
        }
        return answer;
      },
    };
    const instance = createTestInstance({ store: unsteady, logStore, clock, adapters: [scripted.adapter] });
    instances.push(instance);
    await instance.supervisor.start();
    await clock.advance(0);
    answersLost = 1;
    const wakeup = instance.supervisor.enqueueWakeup({ companyId, agentId: agent.id, source: 'on_demand' });
    await expect(wakeup).rejects.toMatchObject({ code: 'database_unavailable' });
    const id = store.tables.runs.all()[0]?.id as RunId;
    expect(store.tables.runs.get(id)).toMatchObject({ status: 'running', phase: 'starting', handle: null });
    expect(instance.supervisor.activeRunIds()).toEqual([]);
    await clock.advanceUntil(() => instance.supervisor.activeRunIds().length > 0, 60_000);
    const workload = await scripted.world.workload(id);
    workload.end({ status: 'succeeded' });
    expect((await settled(instance, id))?.status).toBe('succeeded');
  });

  it('tells when it gave output last, though it ended before its row was refreshed, and by no further write', async () => {
    const instance = await startInstance();
    const { run } = await instance.supervisor.enqueueWakeup({ companyId, agentId: agent.id, source: 'on_demand' });
    const id = run?.id as RunId;
    const workload = await instance.world.workload(id);
    await workload.write('stdout', 'hello\n');
    await clock.advanceUntil(() => logStore.textOf(id) === 'hello\n');
    const outputAt = clock.now();
    await clock.advance(20_000);
    expect(store.tables.runs.get(id)?.lastOutputAt).toBeNull();
    const writes = store.calls.get('transaction') ?? 0;
    workload.end({ status: 'succeeded' });
    const ended = await settled(instance, id);
    expect(ended?.lastOutputAt).toEqual(outputAt);
    expect(ended?.finishedAt).toEqual(new Date(outputAt.getTime() + 20_000));
    expect(store.calls.get('transaction')).toBe(writes + 1);
    expect(store.calls.get('refreshLiveness')).toBeUndefined();
  });

  it('is cancelled: the work is asked to stop and the run closed when it did', async () => {
    const instance = await startInstance();
    const { supervisor, world } = instance;
    const { run } = await supervisor.enqueueWakeup({ companyId, agentId: agent.id, source: 'on_demand' });
    const id = run?.id as RunId;
    const workload = await world.workload(id);
    const marked = await supervisor.cancelRun(id, { reason: 'not needed', actor: { kind: 'user', userId: 'u1' } });
    expect(marked).toMatchObject({ status: 'running', phase: 'stopping' });
    expect(await settled(instance, id)).toMatchObject({ status: 'cancelled', errorCode: 'cancelled', error: 'not needed' });
    expect(workload.stopRequests).toEqual(['cancelled']);
  });

  it('reaches its time limit', async () => {
    const instance = await startInstance();
    const { run } = await instance.supervisor.enqueueWakeup({
      companyId,
      agentId: agent.id,
      source: 'on_demand',
      timeoutMs: 60_000,
    });
    await instance.world.workload(run?.id as string);
    await clock.advance(59_000);
    expect(store.tables.runs.get(run?.id as string)?.status).toBe('running');
    expect(await settled(instance, run?.id as RunId)).toMatchObject({ status: 'timed_out', errorCode: 'timeout' });
  });

  it('is taken over by the next server with every byte once, after kill -9', async () => {
    const scripted = createScriptedAdapter();
    const first = await startInstance(scripted);
    const { run } = await first.supervisor.enqueueWakeup({ companyId, agentId: agent.id, source: 'on_demand' });
    const id = run?.id as RunId;
    const workload = await scripted.world.workload(id);
    await workload.write('stdout', 'before\n');
    await clock.advance(100);
    first.kill();
    const unattended = workload.write('stdout', 'meanwhile\n');
    const second = await startInstance(scripted);
    await unattended;
    workload.end({ status: 'failed', error: { code: 'exit_nonzero', message: 'Exit code 3.', retryable: false, exitCode: 3 } });
    expect(await settled(second, id)).toMatchObject({ status: 'failed', exitCode: 3, ownerEpoch: 2 });
    expect(logStore.textOf(id)).toBe('before\nmeanwhile\n');
    expect(workload.executions).toBe(1);
  });
});
