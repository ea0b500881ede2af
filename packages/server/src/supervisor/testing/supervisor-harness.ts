import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { createSupervisor } from '../create-supervisor.js';
import { type Agent, type AgentId, type CompanyId, createId, type Issue, type IssueId } from '../model/index.js';
import type { Clock, Logger, LogStore, ProcessTable, RunEnvironment, RunStore, Telemetry } from '../ports/index.js';
import { noLogger, noMetrics } from '../ports/index.js';
import type { Supervisor } from '../supervisor.js';
import { type SupervisorSettings, supervisorSettingsSchema } from '../supervisor-settings.js';
import { createFakeProcessTable, type FakeProcessTable } from './fake-process-table.js';

/** A supervisor under test with what it stands on. Several of them may share store, logs and adapters. */
export interface TestInstance {
  readonly supervisor: Supervisor;
  /** Adapters by type; changing it and calling `adaptersChanged` is what installing and removing does. */
  readonly adapters: Map<string, AdapterV1>;
  adaptersChanged(): void;
  readonly processes: FakeProcessTable | ProcessTable;
  readonly telemetry: Parameters<Telemetry['track']>[0][];
  /**
   * What `kill -9` does to a supervisor, as far as one process can play it: nothing that it writes from here on arrives,
   * no timer of it fires, and its process is gone for its successor.
   */
  kill(): void;
  readonly isDead: () => boolean;
}

export interface TestInstanceOptions {
  readonly store: RunStore;
  readonly logStore: LogStore;
  readonly clock: Clock;
  readonly adapters: Iterable<AdapterV1>;
  readonly settings?: Partial<SupervisorSettings>;
  readonly processes?: ProcessTable;
  readonly environment?: RunEnvironment;
  readonly isOnlyInstance?: boolean;
  readonly logger?: Logger;
  readonly random?: () => number;
}

let nextPid = 1_000;
/** One table for all instances of a test file: they play processes of one host. */
const host = createFakeProcessTable({ pid: 1 });

export function createTestInstance(options: TestInstanceOptions): TestInstance {
  const pid = nextPid++;
  const processes = options.processes ?? createFakeProcessTable({ pid, shared: host });
  const adapters = new Map([...options.adapters].map((adapter) => [adapter.type, adapter]));
  const listeners = new Set<() => void>();
  const telemetry: Parameters<Telemetry['track']>[0][] = [];
  const life = { isDead: false };
  const supervisor = createSupervisor({
    store: mortal(options.store, life),
    logStore: mortalLogs(options.logStore, life),
    adapters: {
      find(adapterType) {
        const adapter = adapters.get(adapterType);
        if (adapter) return { found: true, adapter, version: null };
        const message = `Adapter ${adapterType} is not registered.`;
        return { found: false, state: 'missing', code: 'adapter_missing', message };
      },
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    processes,
    environment: options.environment ?? plainEnvironment,
    liveFeed: {
      eventsCommitted: () => undefined,
      logAppended: () => undefined,
      hasLogReaders: () => false,
      logCompleted: () => undefined,
    },
    clock: mortalClock(options.clock, life),
    settings: supervisorSettingsSchema.parse(options.settings ?? {}),
    telemetry: { track: (event) => telemetry.push(event) },
    metrics: noMetrics,
    logger: options.logger ?? noLogger,
    version: 'test',
    ...(options.isOnlyInstance === undefined ? {} : { isOnlyInstance: options.isOnlyInstance }),
    ...(options.random === undefined ? {} : { random: options.random }),
  });
  return {
    supervisor,
    adapters,
    processes,
    telemetry,
    adaptersChanged() {
      for (const listener of listeners) listener();
    },
    kill() {
      life.isDead = true;
      host.deadInstances.add(pid);
    },
    isDead: () => life.isDead,
  };
}

const plainEnvironment: RunEnvironment = {
  prepare: async (_run, _agent, rawConfig) => ({ config: rawConfig, environment: {}, secrets: [] }),
};

/** A call of the dead never ends. */
function mortal(store: RunStore, life: { readonly isDead: boolean }): RunStore {
  return new Proxy(store, {
    get(target, key, receiver) {
      const member: unknown = Reflect.get(target, key, receiver);
      if (typeof member !== 'function') return member;
      return (...input: unknown[]) => (life.isDead ? new Promise(() => undefined) : member.apply(target, input));
    },
  });
}

function mortalLogs(logStore: LogStore, life: { readonly isDead: boolean }): LogStore {
  return {
    ...logStore,
    async openForAppend(run, epoch) {
      if (life.isDead) return new Promise(() => undefined);
      const appender = await logStore.openForAppend(run, epoch);
      return { ...appender, append: (records) => (life.isDead ? new Promise(() => undefined) : appender.append(records)) };
    },
  };
}

function mortalClock(clock: Clock, life: { readonly isDead: boolean }): Clock {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        if (!life.isDead) callback();
      }),
  };
}

/** An active agent of adapter `scripted`, as a row. */
export function testAgent(rest: Partial<Agent> & { readonly companyId: CompanyId; readonly createdAt: Date }): Agent {
  return {
    id: createId<AgentId>(rest.createdAt),
    name: 'worker',
    role: 'engineer',
    status: 'active',
    statusReason: null,
    adapterType: 'scripted',
    adapterConfig: {},
    runtimeConfig: {
      limits: { timeoutMs: null, idleTimeoutMs: null },
      heartbeat: { enabled: false, intervalSec: 300, wakeOnDemand: true, maxConcurrentRuns: 5 },
      placement: null,
    },
    updatedAt: rest.createdAt,
    ...rest,
  };
}

/** An issue as a row, assigned to nobody and held by nobody. */
export function testIssue(rest: Partial<Issue> & { readonly companyId: CompanyId; readonly createdAt: Date }): Issue {
  return {
    id: createId<IssueId>(rest.createdAt),
    title: 'Mend the roof',
    description: null,
    status: 'todo',
    priority: 0,
    assigneeAgentId: null,
    assigneeUserId: null,
    checkoutRunId: null,
    executionRunId: null,
    recoveryUsed: null,
    updatedAt: rest.createdAt,
    ...rest,
  };
}
