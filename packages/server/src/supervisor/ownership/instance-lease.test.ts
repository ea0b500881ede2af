import { beforeEach, describe, expect, it } from 'vitest';
import { noLogger, noMetrics, noTelemetry } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { supervisorSettingsSchema } from '../supervisor-settings.js';
import { createFakeClock, type FakeClock } from '../testing/fake-clock.js';
import { createFakeProcessTable } from '../testing/fake-process-table.js';
import { createMemoryRunStore, type MemoryRunStore } from '../testing/memory-run-store.js';
import { createInstanceLease, type InstanceLease } from './instance-lease.js';

let clock: FakeClock;
let store: MemoryRunStore;
let lostCount: number;
const processes = createFakeProcessTable({ pid: 50 });

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryRunStore();
  lostCount = 0;
});

function lease(rest: { readonly pid?: number; readonly isOnlyInstance?: boolean } = {}): InstanceLease {
  const dependencies = {
    store,
    clock,
    processes: createFakeProcessTable({ pid: rest.pid ?? 50, shared: processes }),
    settings: supervisorSettingsSchema.parse({}),
    telemetry: noTelemetry,
    metrics: noMetrics,
    logger: noLogger,
    version: 'test',
    isOnlyInstance: rest.isOnlyInstance ?? false,
  } as unknown as SupervisorDependencies;
  return createInstanceLease(dependencies, {
    onLost: () => {
      lostCount += 1;
    },
  });
}

describe('the lease of an instance', () => {
  it('is held from the registration on, as long as it is renewed', async () => {
    const own = lease();
    expect(own.isHeld()).toBe(false);
    await own.register();
    for (let renewal = 0; renewal < 10; renewal += 1) {
      await clock.advance(10_000);
      expect(await own.renew()).toEqual({ isNew: false });
    }
    expect([own.isHeld(), lostCount]).toEqual([true, 0]);
  });

  it('is lost by the monotonic clock when it could not be renewed, and told once', async () => {
    const own = lease();
    await own.register();
    store.isAway = true;
    await clock.advance(20_000);
    await own.renew();
    expect(own.isHeld()).toBe(true);
    await clock.advance(10_000);
    expect([own.isHeld(), lostCount]).toEqual([false, 1]);
  });

  it('is seen to be lost by whoever asks first after a SIGSTOP, before any timer fired', async () => {
    const own = lease();
    await own.register();
    clock.freeze(31_000);
    expect([own.isHeld(), lostCount]).toEqual([false, 1]);
  });

  it('is taken anew under another id, since others may have adopted the runs of the old one', async () => {
    const own = lease();
    await own.register();
    const before = own.instanceId();
    clock.freeze(31_000);
    expect(await own.renew()).toEqual({ isNew: true });
    expect(own.instanceId()).not.toBe(before);
    expect([own.isHeld(), store.tables.instances.get(before)?.endedAt]).toEqual([true, clock.now()]);
  });

  it('is lost when the database says so', async () => {
    const own = lease();
    await own.register();
    await store.endInstance(own.instanceId(), clock.now());
    expect(await own.renew()).toEqual({ isNew: true });
    expect(lostCount).toBe(1);
  });

  it('outlives any absence of a database that nobody else can use', async () => {
    const own = lease({ isOnlyInstance: true });
    await own.register();
    const before = own.instanceId();
    store.isAway = true;
    await clock.advance(600_000);
    await own.renew();
    expect(own.isHeld()).toBe(true);
    store.isAway = false;
    expect(await own.renew()).toEqual({ isNew: false });
    expect([own.instanceId(), lostCount]).toEqual([before, 0]);
    expect(store.tables.instances.get(before)?.leaseExpiresAt).toEqual(new Date(clock.now().getTime() + 30_000));
  });

  it('ends predecessors of this host whose process is gone, and only those', async () => {
    const [dead, living] = [lease({ pid: 51 }), lease({ pid: 52 })];
    await dead.register();
    await living.register();
    processes.deadInstances.add(51);
    await lease().register();
    expect(store.tables.instances.get(dead.instanceId())?.endedAt).not.toBeNull();
    expect(store.tables.instances.get(living.instanceId())?.endedAt).toBeNull();
  });
});
