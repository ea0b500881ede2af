import { beforeEach, describe, expect, it } from 'vitest';
import { ServerError } from '../../server-error.js';
import { type CompanyId, createId, createRandomId, type Run, type RunId, type WakeupRequestId } from '../model/index.js';
import { noLogger, noMetrics, type RunStore } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { supervisorSettingsSchema } from '../supervisor-settings.js';
import { createFakeClock } from '../testing/fake-clock.js';
import { createMemoryRunStore, type MemoryRunStore } from '../testing/memory-run-store.js';
import { testAgent } from '../testing/supervisor-harness.js';
import { createSettleDesk, type SettleDesk } from './settle-desk.js';
import type { Settlement } from './settlement.js';

const clock = createFakeClock();
const agent = testAgent({ companyId: createRandomId<CompanyId>(), createdAt: clock.now() });
const succeeded: Settlement = {
  status: 'succeeded',
  error: null,
  exitCode: 0,
  signal: null,
  result: { status: 'succeeded', usage: { inputTokens: 2 } },
  retry: 'never',
  retryNotBefore: null,
  detail: null,
};
let store: MemoryRunStore;
let desk: SettleDesk;

beforeEach(() => {
  store = createMemoryRunStore();
  store.tables.agents.set(agent.id, agent);
  desk = deskOver(store);
});

function deskOver(runStore: RunStore): SettleDesk {
  const liveFeed = {
    eventsCommitted: () => undefined,
    logAppended: () => undefined,
    hasLogReaders: () => false,
    logCompleted: () => undefined,
  };
  const settings = supervisorSettingsSchema.parse({});
  const dependencies = { store: runStore, clock, liveFeed, settings, metrics: noMetrics, logger: noLogger };
  return createSettleDesk(dependencies as unknown as SupervisorDependencies);
}

async function running(): Promise<Run> {
  const id = createId<RunId>(clock.now());
  await store.transaction(async (tx) => {
    await tx.insertRun({
      id,
      companyId: agent.companyId,
      agentId: agent.id,
      adapterType: agent.adapterType,
      invocationSource: 'on_demand',
      wakeupRequestId: createId<WakeupRequestId>(clock.now()),
      issueId: null,
      taskKey: null,
      contextSnapshot: {
        prompt: null,
        reason: null,
        payload: null,
        coalesced: [],
        retryReason: null,
        placement: null,
        adapterConfigOverride: null,
      },
      priority: 0,
      notBefore: null,
      timeoutMs: null,
      idleTimeoutMs: null,
      retryOfRunId: null,
      processLossRetryCount: 0,
      transientRetryCount: 0,
      createdAt: clock.now(),
    });
    await tx.moveRun({ id, from: ['queued'] }, 'running', { ownerEpoch: 1, startedAt: clock.now() });
  });
  return (await store.getRun(id)) as Run;
}

const manyRunning = async (count: number): Promise<Run[]> => {
  const runs: Run[] = [];
  while (runs.length < count) runs.push(await running());
  return runs;
};
const outcomes = async (runs: readonly Run[], by = desk): Promise<string[]> =>
  (await Promise.allSettled(runs.map((run) => by.settle({ run, settlement: succeeded })))).map((each) =>
    each.status === 'fulfilled' ? each.value.outcome : String((each.reason as Error).message),
  );
const totals = () => store.tables.runtimeStates.get(agent.id);
const transactions = () => store.calls.get('transaction') ?? 0;

describe('createSettleDesk', () => {
  it('closes a run at once, and those that end meanwhile together', async () => {
    const runs = await manyRunning(20);
    const before = transactions();
    expect(await outcomes(runs)).toEqual(Array.from({ length: 20 }, () => 'moved'));
    expect(transactions() - before).toBe(2);
    expect(totals()).toMatchObject({ totalRuns: 20, totalInputTokens: 40, lastRunId: runs.at(-1)?.id });
    expect(store.tables.runs.all().every((run) => run.status === 'succeeded')).toBe(true);
  });

  it('tells which of them belong to somebody else, and writes nothing for those', async () => {
    const runs = await manyRunning(4);
    const taken = { ...(runs[2] as Run), ownerEpoch: 0 };
    expect(await outcomes([...runs.slice(0, 2), taken, ...runs.slice(3)])).toEqual(['moved', 'moved', 'stale', 'moved']);
    expect(store.tables.runs.get(taken.id)?.status).toBe('running');
    expect(totals()?.totalRuns).toBe(3);
  });

  it('lets what is wrong with one run fail only that one', async () => {
    const runs = await manyRunning(6);
    const bad = runs[3]?.id;
    const failing: RunStore = {
      ...store,
      transaction: (work) =>
        store.transaction((tx) =>
          work({
            ...tx,
            moveWakeup: (guard, patch, now) =>
              guard.id === runs[3]?.wakeupRequestId
                ? Promise.reject(new RangeError('no such text'))
                : tx.moveWakeup(guard, patch, now),
          }),
        ),
    };
    const found = await outcomes(runs, deskOver(failing));
    expect(found).toEqual(['moved', 'moved', 'moved', 'no such text', 'moved', 'moved']);
    expect(store.tables.runs.all().filter((run) => run.status === 'running')).toMatchObject([{ id: bad }]);
    expect(totals()?.totalRuns).toBe(5);
  });

  it('lets all of them be tried again when the database is away', async () => {
    const runs = await manyRunning(3);
    store.beforeCommit = () => {
      throw new ServerError('database_unavailable', 'away');
    };
    expect(await outcomes(runs)).toEqual(['away', 'away', 'away']);
    store.beforeCommit = null;
    expect(totals()).toBeNull();
    expect(await outcomes(runs)).toEqual(['moved', 'moved', 'moved']);
  });

  it('does not let a number that is none spoil what others used', async () => {
    const runs = await manyRunning(3);
    const nonsense = { ...succeeded, result: { status: 'succeeded' as const, usage: { inputTokens: Number.NaN } } };
    await Promise.all(runs.map((run, index) => desk.settle({ run, settlement: index === 1 ? nonsense : succeeded })));
    expect(totals()).toMatchObject({ totalRuns: 3, totalInputTokens: 4 });
  });
});
