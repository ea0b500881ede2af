import { createScriptedAdapter, type ScriptedAdapter } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent, Run, RunId } from '../../src/supervisor/model/index.js';
import type { FakeProcessTable } from '../../src/supervisor/testing/fake-process-table.js';
import type { MemoryRunStore } from '../../src/supervisor/testing/memory-run-store.js';
import type { TestInstance } from '../../src/supervisor/testing/supervisor-harness.js';
import { createScenarioWorld, type ScenarioWorld } from './scenario-world.js';

const user = { kind: 'user', userId: 'u1' } as const;
let world: ScenarioWorld;
let agent: Agent;
beforeEach(async () => {
  world = await createScenarioWorld('memory');
  agent = await world.addAgent();
});
afterEach(async () => {
  (world.store as MemoryRunStore).isAway = false;
  await world.stopAll();
});

const wake = async (
  instance: TestInstance,
  rest: { readonly agentId?: Agent['id']; readonly timeoutMs?: number } = {},
): Promise<RunId> => {
  const answer = await instance.supervisor.enqueueWakeup({
    companyId: world.companyId,
    agentId: agent.id,
    source: 'on_demand',
    ...rest,
  });
  return (answer.run as Run).id;
};
/** A run whose work began. */
const begin = async (instance: TestInstance, scripted: ScriptedAdapter): Promise<RunId> => {
  const id = await wake(instance);
  await scripted.world.workload(id);
  await world.clock.advance(10);
  return id;
};
const eventTypes = async (id: RunId): Promise<string[]> =>
  (await world.store.listRunEvents(id, { afterSeq: 0, limit: 100 })).map((event) => event.type);
const database = (): MemoryRunStore => world.store as MemoryRunStore;

describe('an orderly shutdown', () => {
  it('leaves out-of-process work running, and the next start follows it without counting a death', async () => {
    const scripted = createScriptedAdapter();
    const first = await world.start([scripted.adapter]);
    const id = await begin(first, scripted);
    const startMs = world.clock.monotonicMs();
    await world.settle(first.supervisor.stop());
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(2_000);
    expect(await world.run(id)).toMatchObject({ status: 'running', phase: 'detached' });
    await expect(
      first.supervisor.enqueueWakeup({ companyId: world.companyId, agentId: agent.id, source: 'on_demand' }),
    ).rejects.toMatchObject({ code: 'supervisor_stopped' });
    await world.start([scripted.adapter]);
    expect(await world.run(id)).toMatchObject({ phase: 'reattaching', instanceDeathCount: 0, ownerEpoch: 2 });
    (await scripted.world.workload(id)).end({ status: 'succeeded' });
    expect((await world.ended(id)).status).toBe('succeeded');
  });

  it('stops attached work, says that it was the server, and queues its one retry', async () => {
    const scripted = createScriptedAdapter({ kind: 'attached', graceMs: 1 });
    const instance = await world.start([scripted.adapter]);
    const id = await begin(instance, scripted);
    const stopped = instance.supervisor.stop();
    // The scripted work takes its milliseconds in real time.
    while ((await world.run(id)).status === 'running') await new Promise((resolve) => setImmediate(resolve));
    await world.settle(stopped);
    expect(await world.run(id)).toMatchObject({ status: 'failed', errorCode: 'process_lost' });
    const retry = (await world.runsOf(agent.id)).find((run) => run.retryOfRunId === id);
    expect(retry).toMatchObject({ status: 'queued', processLossRetryCount: 1 });
  });

  it('does not wait longer than it may for an adapter that hangs', async () => {
    const scripted = createScriptedAdapter({ beforeStart: () => new Promise(() => undefined) });
    const instance = await world.start([scripted.adapter]);
    const id = await wake(instance);
    await world.clock.advance(10);
    const startMs = world.clock.monotonicMs();
    await world.settle(instance.supervisor.stop());
    expect(world.clock.monotonicMs() - startMs).toBeLessThanOrEqual(2_000);
    expect((await world.run(id)).status).toBe('running');
  });
});

describe('an adapter that never settles', () => {
  it('has its work ended by the host after grace and drain, and what it says later is dropped', async () => {
    let settle = (): void => undefined;
    const handle = {
      kind: 'process',
      pid: 99_001,
      processGroupId: 99_001,
      startedAt: new Date(0).toISOString(),
      host: 'test-host',
      bootId: 'boot',
      startTicks: '1',
    } as const;
    const { adapter } = createScriptedAdapter({ kind: 'attached' });
    const hanging = {
      ...adapter,
      execute: async (context: Parameters<typeof adapter.execute>[0]) => {
        await context.onSpawn(handle);
        await new Promise<void>((resolve) => {
          settle = resolve;
        });
        await context.onLog('stdout', 'too late').catch(() => undefined);
        return { status: 'succeeded' as const };
      },
    };
    const instance = await world.start([hanging]);
    (instance.processes as FakeProcessTable).states.set(handle.pid, { state: 'alive' });
    const id = await wake(instance);
    await world.clock.advance(10);
    await instance.supervisor.cancelRun(id, { reason: 'enough', actor: user });
    await world.clock.advance(19_000);
    expect((await world.run(id)).status).toBe('running');
    await world.clock.advance(3_000);
    expect(await world.run(id)).toMatchObject({ status: 'cancelled', error: 'enough' });
    expect((instance.processes as FakeProcessTable).terminated).toContain(handle.pid);
    settle();
    await world.clock.advance(1_000);
    expect([(await world.run(id)).status, world.logStore.textOf(id)]).toEqual(['cancelled', '']);
    expect(instance.supervisor.activeRunIds()).toEqual([]);
  });
});

describe('limits that every adapter gets', () => {
  it('stop a run that gave no sign of life, and not one that does', async () => {
    const idle = await world.addAgent({
      name: 'idle',
      runtimeConfig: { ...agent.runtimeConfig, limits: { timeoutMs: null, idleTimeoutMs: 60_000 } },
    });
    const scripted = createScriptedAdapter({ kind: 'attached', graceMs: 1 });
    const instance = await world.start([scripted.adapter]);
    const id = await wake(instance, { agentId: idle.id });
    const workload = await scripted.world.workload(id);
    for (let minute = 0; minute < 5; minute += 1) {
      await world.clock.advance(50_000);
      await workload.alive();
    }
    expect((await world.run(id)).status).toBe('running');
    await world.clock.advance(61_000);
    expect(await world.ended(id)).toMatchObject({ status: 'failed', errorCode: 'idle_timeout' });
  });

  it('survive a restart: the deadline counts from the first start', async () => {
    const scripted = createScriptedAdapter();
    const first = await world.start([scripted.adapter]);
    const id = await wake(first, { timeoutMs: 120_000 });
    await scripted.world.workload(id);
    await world.clock.advance(60_000);
    first.kill();
    await world.start([scripted.adapter]);
    await world.clock.advance(50_000);
    expect((await world.run(id)).status).toBe('running');
    await world.clock.advance(15_000);
    expect(await world.ended(id)).toMatchObject({ status: 'timed_out', errorCode: 'timeout' });
  });

  it('do not hold it against an adapter that it was made to wait for the log store', async () => {
    const idle = await world.addAgent({
      name: 'idle',
      runtimeConfig: { ...agent.runtimeConfig, limits: { timeoutMs: null, idleTimeoutMs: 60_000 } },
    });
    const scripted = createScriptedAdapter();
    const instance = await world.start([scripted.adapter]);
    const id = await wake(instance, { agentId: idle.id });
    const workload = await scripted.world.workload(id);
    world.logStore.failure = Object.assign(new Error('full'), { code: 'ENOSPC' });
    for (let piece = 0; piece < 20; piece += 1) void workload.write('stdout', 'x'.repeat(65_000));
    await world.clock.advance(300_000);
    expect((await world.run(id)).status).toBe('running');
    world.logStore.failure = null;
    await world.clock.advance(10_000);
    workload.end({ status: 'succeeded' });
    expect((await world.ended(id)).logBytes).toBe(20 * 65_000);
  });

  it('warn once when an attached run is silent for an hour', async () => {
    const scripted = createScriptedAdapter({ kind: 'attached' });
    const instance = await world.start([scripted.adapter]);
    const id = await begin(instance, scripted);
    await world.clock.advance(3 * 3_600_000);
    expect((await eventTypes(id)).filter((type) => type === 'run-silent')).toHaveLength(1);
    (await scripted.world.workload(id)).end({ status: 'succeeded' });
    await world.ended(id);
  });
});

describe('bad input', () => {
  it('fails a run whose config is refused, naming each field, and starts nothing', async () => {
    const validate = () => ({
      issues: [
        { message: 'must be text', path: ['command'] },
        { message: 'unknown', path: ['nice', 0] },
      ],
    });
    const scripted = createScriptedAdapter({ configSchema: { '~standard': { version: 1, vendor: 'test', validate } } });
    const instance = await world.start([scripted.adapter]);
    const id = await wake(instance);
    const run = await world.ended(id);
    expect(run).toMatchObject({ status: 'failed', errorCode: 'config_invalid', handle: null });
    expect(run.error).toContain('command: must be text; nice[0]: unknown');
  });

  it('fails a run whose secret is missing with the code that says so', async () => {
    const scripted = createScriptedAdapter();
    const missing = Object.assign(new Error('The secret TOKEN is nowhere.'), { code: 'secret_missing' });
    const instance = await world.start([scripted.adapter], { environment: { prepare: () => Promise.reject(missing) } });
    expect(await world.ended(await wake(instance))).toMatchObject({
      errorCode: 'secret_missing',
      error: 'The secret TOKEN is nowhere.',
    });
  });

  it('refuses a handle that is too large, and the adapter takes its work back', async () => {
    const scripted = createScriptedAdapter({ handleFor: () => ({ kind: 'external', formatVersion: 1, ref: 'x'.repeat(5_000) }) });
    const instance = await world.start([scripted.adapter]);
    const id = await wake(instance);
    expect(await world.ended(id)).toMatchObject({ status: 'failed', errorCode: 'adapter_error', handle: null });
    expect((await scripted.world.workload(id)).state.kind).toBe('stopped');
  });

  it.each([undefined, null, 'done', {}, { status: 'great' }, { status: 'failed' }, { status: 'failed', error: { code: 1 } }])(
    'takes %j for an error of the adapter, not for a result',
    async (result) => {
      const { adapter } = createScriptedAdapter({ kind: 'attached' });
      const instance = await world.start([{ ...adapter, execute: () => Promise.resolve(result as never) }]);
      const run = await world.ended(await wake(instance));
      expect(run).toMatchObject({ status: 'failed', errorCode: 'adapter_error' });
      expect(run.error).toContain('no RunResultV1');
    },
  );

  it('takes what an adapter throws at once for its error, and keeps a long message short', async () => {
    const { adapter } = createScriptedAdapter({ kind: 'attached' });
    const execute = (): never => {
      throw new TypeError('x'.repeat(100_000));
    };
    const instance = await world.start([{ ...adapter, execute }]);
    const run = await world.ended(await wake(instance));
    expect([run.errorCode, run.error?.length]).toEqual(['adapter_error', 8_000]);
  });

  it('starts nothing that was cancelled between its claim and its start', async () => {
    let resolve = (): void => undefined;
    const held = new Promise<void>((done) => {
      resolve = done;
    });
    const scripted = createScriptedAdapter();
    const environment = { prepare: () => held.then(() => ({ config: {}, environment: {}, secrets: [] })) };
    const instance = await world.start([scripted.adapter], { environment });
    const id = await wake(instance);
    await world.clock.advance(10);
    await instance.supervisor.cancelRun(id, { reason: 'no', actor: user });
    resolve();
    expect(await world.ended(id)).toMatchObject({ status: 'cancelled', handle: null });
  });

  it('names what does not exist', async () => {
    const instance = await world.start([]);
    const nobody = 'nobody' as RunId;
    await expect(instance.supervisor.cancelRun(nobody, { reason: null, actor: user })).rejects.toMatchObject({
      code: 'run_not_found',
    });
    await expect(instance.supervisor.explainRun(nobody)).rejects.toMatchObject({ code: 'run_not_found' });
    await expect(instance.supervisor.whenSettled(nobody)).rejects.toMatchObject({ code: 'run_not_found' });
    const foreign = { companyId: 'foreign' as Agent['companyId'], agentId: agent.id, source: 'on_demand' } as const;
    await expect(instance.supervisor.enqueueWakeup(foreign)).rejects.toMatchObject({ code: 'agent_not_found' });
  });
});

describe('a database that goes away', () => {
  it('C22 loses no run of a server that has it to itself: ends wait, output waits, the lease outlives it', async () => {
    const scripted = createScriptedAdapter({ kind: 'attached' });
    const instance = await world.start([scripted.adapter], { isOnlyInstance: true });
    const [ending, going] = [await begin(instance, scripted), await begin(instance, scripted)];
    database().isAway = true;
    await (await scripted.world.workload(ending)).write('stdout', 'meanwhile\n');
    (await scripted.world.workload(ending)).end({ status: 'succeeded', summary: 'kept' });
    await world.clock.advance(60_000);
    expect(instance.supervisor.isLeaseHeld()).toBe(true);
    database().isAway = false;
    expect(await world.ended(ending)).toMatchObject({ status: 'succeeded', summary: 'kept' });
    expect(world.logStore.textOf(ending)).toBe('meanwhile\n');
    expect((await world.run(going)).status).toBe('running');
    (await scripted.world.workload(going)).end({ status: 'succeeded' });
    expect((await world.ended(going)).status).toBe('succeeded');
  });

  it('C22 loses no out-of-process run of a server that is fenced meanwhile: it takes them over again', async () => {
    const scripted = createScriptedAdapter();
    const instance = await world.start([scripted.adapter]);
    const id = await begin(instance, scripted);
    const workload = await scripted.world.workload(id);
    await workload.write('stdout', 'before\n');
    await world.clock.advance(1_000);
    database().isAway = true;
    await world.clock.advance(60_000);
    expect([instance.supervisor.isLeaseHeld(), workload.abortReason?.kind]).toEqual([false, 'fenced']);
    void workload.write('stdout', 'while away\n');
    database().isAway = false;
    await world.clock.advance(60_000);
    expect(instance.supervisor.activeRunIds()).toEqual([id]);
    workload.end({ status: 'succeeded' });
    expect(await world.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(world.logStore.textOf(id)).toBe('before\nwhile away\n');
    expect(workload.executions).toBe(1);
  });

  it('C15 tells that proof of life could not be written, tries again, and leaves the run alone', async () => {
    const problems: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (_fields: object, message: string) => problems.push(message),
    };
    const scripted = createScriptedAdapter({ kind: 'log-driven' });
    const instance = await world.start([scripted.adapter], { logger, isOnlyInstance: true });
    const id = await begin(instance, scripted);
    const before = (await world.run(id)).updatedAt;
    const workload = await scripted.world.workload(id);
    await world.clock.advance(59_000);
    await workload.write('stdout', 'alive\n');
    await world.clock.advance(500);
    database().isAway = true;
    await world.clock.advance(20_000);
    expect(problems.filter((message) => message.includes('proof of life')).length).toBeGreaterThan(0);
    database().isAway = false;
    await world.clock.advance(10_000);
    expect((await world.run(id)).updatedAt.getTime()).toBeGreaterThan(before.getTime());
    workload.end({ status: 'succeeded' });
    expect((await world.ended(id)).status).toBe('succeeded');
  });
});

describe('two servers on one database', () => {
  it('C20 give each run one execution, and a cancel reaches its owner through the row', async () => {
    const scripted = createScriptedAdapter();
    const settings = { claimIntervalMs: 1_000 };
    const [first, second] = [
      await world.start([scripted.adapter], { settings }),
      await world.start([scripted.adapter], { settings }),
    ];
    const ids = await Promise.all(Array.from({ length: 10 }, (_, index) => wake(index % 2 === 0 ? first : second)));
    await world.clock.advance(100);
    const followed = [...first.supervisor.activeRunIds(), ...second.supervisor.activeRunIds()];
    expect(followed).toHaveLength(5);
    expect(new Set(followed).size).toBe(5);
    const owned = second.supervisor.activeRunIds()[0] ?? (first.supervisor.activeRunIds()[0] as RunId);
    const stranger = second.supervisor.activeRunIds()[0] ? first : second;
    await stranger.supervisor.cancelRun(owned, { reason: 'from afar', actor: user });
    await world.clock.advance(1_100);
    expect((await scripted.world.workload(owned)).stopRequests).toEqual(['cancelled']);
    for (const id of ids) {
      if ((await world.run(id)).status !== 'cancelled') (await scripted.world.workload(id)).end({ status: 'succeeded' });
      await world.ended(id);
      if (id !== owned) expect((await scripted.world.workload(id)).executions).toBe(1);
    }
  });

  it('C20 let the survivor take over within the lease time', async () => {
    const scripted = createScriptedAdapter();
    const first = await world.start([scripted.adapter]);
    const second = await world.start([scripted.adapter]);
    const id = await begin(first, scripted);
    const [owner, other] = first.supervisor.activeRunIds().includes(id) ? [first, second] : [second, first];
    owner.kill();
    await world.clock.advance(61_000);
    expect(other.supervisor.activeRunIds()).toEqual([id]);
    (await scripted.world.workload(id)).end({ status: 'succeeded' });
    expect(await world.ended(id)).toMatchObject({ status: 'succeeded', ownerEpoch: 2 });
  });
});
