import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { createCompany, listIssueComments } from '../../src/db/repositories/index.js';
import { createPostgresRunStore } from '../../src/db/run-store/index.js';
import { agents, heartbeatRuns } from '../../src/db/schema/index.js';
import {
  type Agent,
  type AgentId,
  type CompanyId,
  createRandomId,
  type Issue,
  type IssueComment,
  type IssueId,
  isTerminalRunStatus,
  type NewRun,
  type Run,
  type RunId,
  type WakeupRequest,
  type WakeupRequestId,
} from '../../src/supervisor/model/index.js';
import type { RunStore } from '../../src/supervisor/ports/index.js';
import { createFakeClock, type FakeClock } from '../../src/supervisor/testing/fake-clock.js';
import { createMemoryLogStore, type MemoryLogStore } from '../../src/supervisor/testing/memory-log-store.js';
import { createMemoryRunStore } from '../../src/supervisor/testing/memory-run-store.js';
import {
  createTestInstance,
  type TestInstance,
  type TestInstanceOptions,
  testAgent,
  testIssue,
} from '../../src/supervisor/testing/supervisor-harness.js';
import { createTestDatabase } from '../database/test-database.js';

/** Where the rows of a scenario are kept. */
interface StoreFixture {
  readonly store: RunStore;
  readonly companyId: CompanyId;
  insertAgent(agent: Agent): Promise<void>;
  runsOf(agentId: AgentId): Promise<readonly Run[]>;
  commentsOf(issueId: IssueId): Promise<readonly IssueComment[]>;
  close(): Promise<void>;
}

const storeFixtures = {
  memory: async (): Promise<StoreFixture> => {
    const store = createMemoryRunStore();
    return {
      store,
      companyId: createRandomId<CompanyId>(),
      insertAgent: async (agent) => store.tables.agents.set(agent.id, agent),
      runsOf: async (agentId) => store.tables.runs.all().filter((run) => run.agentId === agentId),
      commentsOf: async (issueId) => store.tables.comments.all().filter((comment) => comment.issueId === issueId),
      close: async () => undefined,
    };
  },
  postgres: async (): Promise<StoreFixture> => {
    const database = await createTestDatabase();
    const store = createPostgresRunStore(database);
    const { id: companyId } = await createCompany(database.executor, { name: 'c' }, new Date());
    return {
      store,
      companyId,
      async insertAgent(agent) {
        await database.executor.insert(agents).values(agent);
      },
      async runsOf(agentId) {
        const rows = await database.executor.select({ id: heartbeatRuns.id, agentId: heartbeatRuns.agentId }).from(heartbeatRuns);
        const runs = await Promise.all(rows.filter((row) => row.agentId === agentId).map((row) => store.getRun(row.id)));
        return runs.filter((run) => run !== null).sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
      },
      commentsOf: async (issueId) => (await listIssueComments(database.executor, issueId, { limit: 100, cursor: null })).items,
      close: () => database.drop(),
    };
  },
} as const;

export type StoreKind = keyof typeof storeFixtures;

/** The stores that scenarios are played on. On another version of PostgreSQL, only the store that knows the version. */
export const scenarioStores: readonly StoreKind[] = process.env['RUNBEAT_TEST_DATABASE'] ? ['postgres'] : ['memory', 'postgres'];

/** One database, one log store, one clock, and as many supervisors as a scenario needs. */
export interface ScenarioWorld extends StoreFixture {
  readonly clock: FakeClock;
  readonly logStore: MemoryLogStore;
  addAgent(rest?: Partial<Agent>): Promise<Agent>;
  addIssue(rest: Partial<Issue>): Promise<Issue>;
  /** A row as an earlier server left it: a running or ended run with its wake, as old as it says. */
  addRun(agent: Agent, rest: Partial<Run>): Promise<Run>;
  start(adapters: Iterable<AdapterV1>, rest?: Partial<TestInstanceOptions>): Promise<TestInstance>;
  run(id: RunId): Promise<Run>;
  wakeup(id: WakeupRequestId): Promise<WakeupRequest>;
  issue(id: IssueId): Promise<Issue>;
  /** Lets time pass until the run has ended. */
  ended(id: RunId): Promise<Run>;
  /** Lets time pass, as little as is needed, until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
  stopAll(): Promise<void>;
}

/** Loops that a scenario does not wait for look less often: half an hour of them is a thousand queries otherwise. */
const calm = { claimIntervalMs: 15_000, timerIntervalMs: 60_000 } as const;

export async function createScenarioWorld(kind: StoreKind): Promise<ScenarioWorld> {
  const fixture = await storeFixtures[kind]();
  const { store, isIdle } = observed(fixture.store);
  const clock = createFakeClock({ settle: () => untilIdle(isIdle) });
  const logStore = createMemoryLogStore();
  const instances: TestInstance[] = [];
  const world: ScenarioWorld = {
    ...fixture,
    store,
    clock,
    logStore,
    async addAgent(rest = {}) {
      const agent = testAgent({ companyId: fixture.companyId, createdAt: clock.now(), ...rest });
      await fixture.insertAgent(agent);
      return agent;
    },
    async addIssue(rest) {
      const issue = testIssue({ companyId: fixture.companyId, createdAt: clock.now(), ...rest });
      await store.transaction((tx) => tx.insertIssue(issue));
      return issue;
    },
    addRun: (agent, rest) => addRun(store, clock, agent, rest),
    async start(adapters, rest = {}) {
      const settings = { ...calm, ...rest.settings };
      const instance = createTestInstance({ store, logStore, clock, adapters, ...rest, settings });
      instances.push(instance);
      await world.settle(instance.supervisor.start());
      return instance;
    },
    run: async (id) => found(await store.getRun(id)),
    wakeup: async (id) => found(await store.getWakeup(id)),
    issue: async (id) => found(await store.getIssue(id)),
    async ended(id) {
      await clock.advanceUntil(async () => isTerminalRunStatus((await world.run(id)).status));
      return world.run(id);
    },
    async settle(promise) {
      let isSettled = false;
      const done = (): void => {
        isSettled = true;
      };
      promise.then(done, done);
      await clock.advanceUntil(() => isSettled);
      return promise;
    },
    async stopAll() {
      for (const instance of instances.filter(({ isDead }) => !isDead())) await world.settle(instance.supervisor.stop());
      await fixture.close();
    },
  };
  return world;
}

async function addRun(store: RunStore, clock: FakeClock, agent: Agent, rest: Partial<Run>): Promise<Run> {
  const createdAt = clock.now();
  const run: NewRun = {
    id: createRandomId<RunId>(),
    companyId: agent.companyId,
    agentId: agent.id,
    adapterType: agent.adapterType,
    invocationSource: rest.issueId ? 'assignment' : 'on_demand',
    wakeupRequestId: createRandomId<WakeupRequestId>(),
    issueId: rest.issueId ?? null,
    taskKey: null,
    contextSnapshot: rest.contextSnapshot ?? emptySnapshot,
    priority: 0,
    notBefore: null,
    timeoutMs: rest.timeoutMs ?? null,
    idleTimeoutMs: null,
    retryOfRunId: rest.retryOfRunId ?? null,
    processLossRetryCount: rest.processLossRetryCount ?? 0,
    transientRetryCount: 0,
    createdAt,
  };
  const wakeup: WakeupRequest = {
    id: run.wakeupRequestId,
    companyId: agent.companyId,
    agentId: agent.id,
    source: run.invocationSource,
    reason: null,
    prompt: null,
    payload: null,
    issueId: run.issueId,
    taskKey: null,
    priority: 0,
    idempotencyKey: null,
    status: 'claimed',
    statusReason: null,
    runId: run.id,
    coalescedCount: 0,
    requestedBy: null,
    createdAt,
    updatedAt: createdAt,
  };
  await store.transaction(async (tx) => {
    await tx.insertWakeup(wakeup);
    await tx.insertRun(run);
    const { status = 'running', id: _id, companyId: _company, agentId: _agent, createdAt: _created, ...patch } = rest;
    await tx.moveRun({ id: run.id, from: ['queued'] }, status, {
      phase: status === 'running' ? 'attached' : null,
      ownerEpoch: 1,
      attempt: 1,
      startedAt: createdAt,
      updatedAt: createdAt,
      ...patch,
    });
  });
  return found(await store.getRun(run.id));
}

export const emptySnapshot: Run['contextSnapshot'] = {
  prompt: null,
  reason: null,
  payload: null,
  coalesced: [],
  retryReason: null,
  placement: null,
  adapterConfigOverride: null,
};

/** Counts the calls that are under way, so that the fake clock moves only when all of them are answered. */
function observed(store: RunStore): { readonly store: RunStore; readonly isIdle: () => boolean } {
  let underWay = 0;
  const proxy = new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      // Inside an exclusive loop time may have to pass; what it calls is counted by itself.
      if (typeof member !== 'function' || key === 'withExclusiveLoop') return member;
      return (...input: unknown[]) => {
        underWay += 1;
        const result: unknown = member.apply(target, input);
        return Promise.resolve(result).finally(() => {
          underWay -= 1;
        });
      };
    },
  });
  return { store: proxy, isIdle: () => underWay === 0 };
}

async function untilIdle(isIdle: () => boolean): Promise<void> {
  for (let quietTurns = 0; quietTurns < 5; ) {
    await new Promise((resolve) => setImmediate(resolve));
    quietTurns = isIdle() ? quietTurns + 1 : 0;
  }
}

function found<T>(row: T | null): T {
  if (row === null) throw new Error('The scenario names a row that does not exist.');
  return row;
}
