import type { ServerMessage } from '@runbeat/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createLiveHub, type LiveHub } from '../../src/live/live-hub.js';
import { defaultLiveSettings, type LiveSettings } from '../../src/live/live-settings.js';
import { type CompanyId, createId } from '../../src/supervisor/model/index.js';
import { noLogger, noMetrics } from '../../src/supervisor/ports/index.js';
import { createMemoryEventSource } from './support/memory-event-source.js';
import { createRecordingTransport, type RecordingTransport } from './support/recording-transport.js';
import { systemClock } from './support/system-clock.js';
import { until } from './support/until.js';

const quick: LiveSettings = {
  ...defaultLiveSettings,
  gatherMs: 2,
  eventsPerFrame: 7,
  queueLimitBytes: 4_096,
  inFlightLimitBytes: 512,
};
const ticket = { id: 'test', isValid: () => Promise.resolve(true) };
const companyId = createId<CompanyId>();
const hubs: LiveHub[] = [];

function createWorld(settings: LiveSettings = quick) {
  const events = createMemoryEventSource();
  const hub = createLiveHub({
    instanceId: () => 'instance',
    settings,
    clock: systemClock,
    logger: noLogger,
    metrics: noMetrics,
    events,
    logs: { read: () => Promise.resolve([]), isEnded: () => Promise.resolve(false) },
    liveRuns: () => Promise.resolve([]),
  });
  hubs.push(hub);
  const join = async (after: number | null) => {
    const transport = createRecordingTransport();
    const connection = hub.connect(transport, ticket);
    transport.bind(connection);
    await hub.followEvents(connection, companyId, after);
    return { transport, connection };
  };
  return { events, hub, join };
}

function eventIds(transport: RecordingTransport): number[] {
  return transport.messages.flatMap((message: ServerMessage) =>
    message.type === 'events' ? message.events.map(({ id }) => id) : [],
  );
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

describe('events of a company', () => {
  it('reach every reader once and in order, whenever it joins, whatever it has seen and however it stalls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 40 }) }),
            fc.record({ kind: fc.constant('join' as const), seen: fc.double({ min: 0, max: 1, noNaN: true }) }),
            fc.record({ kind: fc.constant('stall' as const), reader: fc.nat(9), isStalled: fc.boolean() }),
            fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 0, max: 4 }) }),
          ),
          { minLength: 5, maxLength: 40 },
        ),
        async (steps) => {
          const { events, join } = createWorld();
          const readers: { transport: RecordingTransport; after: number }[] = [];
          let newest = 0;
          for (const step of steps) {
            if (step.kind === 'add') {
              events.add(companyId, step.count);
              newest += step.count;
            } else if (step.kind === 'join' && readers.length < 8) {
              const after = Math.floor(step.seen * newest);
              readers.push({ transport: (await join(after)).transport, after });
            } else if (step.kind === 'stall') {
              readers[step.reader]?.transport.setStalled(step.isStalled);
            } else if (step.kind === 'pause') {
              await new Promise((resolve) => setTimeout(resolve, step.ms));
            }
          }
          for (const { transport } of readers) transport.setStalled(false);
          for (const { transport, after } of readers) {
            await until(`all events after ${after}`, () => eventIds(transport).length >= newest - after, 10_000);
            expect(eventIds(transport)).toEqual(range(after + 1, newest));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are read once from the store and serialised once for all who are up to date', async () => {
    const { events, join } = createWorld();
    const readers = await Promise.all(range(1, 50).map(() => join(null)));
    await until('everybody to be greeted', () => readers.every(({ transport }) => transport.messages[0]?.type === 'hello'));
    const before = events.readCount();
    events.add(companyId, 5);
    await until('delivery', () => readers.every(({ transport }) => eventIds(transport).length === 5));
    expect(events.readCount() - before).toBeLessThanOrEqual(2);
  });

  it('that were pruned are replaced by how things stand, and delivery goes on from there', async () => {
    const { events, join } = createWorld();
    events.add(companyId, 100);
    events.prune(companyId, 90);
    const { transport } = await join(50);
    await until('a resync', () => transport.messages.some(({ type }) => type === 'resync'));
    events.add(companyId, 3);
    await until('the next events', () => eventIds(transport).length === 3);
    expect(transport.messages.map(({ type }) => type).slice(0, 2)).toEqual(['hello', 'resync']);
    expect(eventIds(transport)).toEqual([101, 102, 103]);
  });

  it('answer a cursor from the future with a resync: the database was replaced', async () => {
    const { events, join } = createWorld();
    events.add(companyId, 10);
    const { transport } = await join(1_000);
    await until('a resync', () => transport.messages.some(({ type }) => type === 'resync'));
    expect(transport.messages.find((message) => message.type === 'resync')).toMatchObject({ cursor: 10 });
  });
});

describe('a reader that does not read', () => {
  it('holds no more than its queue, and gets everything from the store once it reads again', async () => {
    const { events, join } = createWorld();
    const frozen = await join(0);
    const quickReader = await join(0);
    await until('hello', () => frozen.transport.messages.length > 0);
    frozen.transport.setStalled(true);
    for (const _ of range(1, 50)) {
      events.add(companyId, 20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the other to have everything', () => eventIds(quickReader.transport).length === 1_000);
    const largestFrame = 2_048;
    expect(frozen.connection.queuedBytes).toBeLessThan(quick.queueLimitBytes + largestFrame);
    frozen.transport.setStalled(false);
    await until('everything from the store', () => eventIds(frozen.transport).length === 1_000);
    expect(eventIds(frozen.transport)).toEqual(range(1, 1_000));
  });

  it('is closed with 1013 after the limit, and ended when it does not answer that either', async () => {
    const { events, join } = createWorld({ ...quick, stuckLimitMs: 50 });
    const { transport } = await join(0);
    await until('hello', () => transport.messages.length > 0);
    transport.setStalled(true);
    events.add(companyId, 1);
    await until('1013', () => transport.closes.includes(1_013));
    await until('the end', transport.isTerminated);
  });

  it('and answers no ping is dropped after two', async () => {
    const { join } = createWorld({ ...quick, pingIntervalMs: 20 });
    const { transport } = await join(0);
    await until('the end', transport.isTerminated);
    const pings = transport.messages.filter(({ type }) => type === 'ping');
    expect(pings).toHaveLength(2);
  });
});

describe('access', () => {
  it('that ends closes the connection within a ping interval', async () => {
    const { hub } = createWorld({ ...quick, pingIntervalMs: 20, missedPingLimit: 1_000 });
    const transport = createRecordingTransport();
    let isValid = true;
    const connection = hub.connect(transport, { id: 'key', isValid: () => Promise.resolve(isValid) });
    transport.bind(connection);
    await hub.followEvents(connection, companyId, null);
    await until('a ping', () => transport.messages.some(({ type }) => type === 'ping'));
    expect(transport.closes).toEqual([]);
    isValid = false;
    await until('the close', () => transport.closes.includes(4_001));
  });
});
