import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createLiveHub, type LiveHub } from '../../src/live/live-hub.js';
import { defaultLiveSettings, type LiveSettings } from '../../src/live/live-settings.js';
import { type CompanyId, createId, type RunId } from '../../src/supervisor/model/index.js';
import { type LogRecord, noLogger, noMetrics } from '../../src/supervisor/ports/index.js';
import { createMemoryEventSource } from './support/memory-event-source.js';
import { createRecordingTransport, type RecordingTransport } from './support/recording-transport.js';
import { systemClock } from './support/system-clock.js';
import { until } from './support/until.js';

const quick: LiveSettings = {
  ...defaultLiveSettings,
  gatherMs: 2,
  storePollMs: 10,
  logFrameBytes: 64,
  queueLimitBytes: 4_096,
  inFlightLimitBytes: 512,
};
const run = { companyId: createId<CompanyId>(), runId: createId<RunId>() };
const hubs: LiveHub[] = [];

afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.close()));
});

function createWorld() {
  const stored: LogRecord[] = [];
  let isEnded = false;
  let readCount = 0;
  const hub = createLiveHub({
    instanceId: () => 'instance',
    settings: quick,
    clock: systemClock,
    logger: noLogger,
    metrics: noMetrics,
    events: createMemoryEventSource(),
    logs: {
      async read(_run, { afterSeq, limitBytes }) {
        readCount += 1;
        await new Promise((resolve) => setImmediate(resolve));
        const page: LogRecord[] = [];
        let bytes = 0;
        for (const record of stored.slice(afterSeq)) {
          if (page.length > 0 && bytes + record.text.length > limitBytes) break;
          page.push(record);
          bytes += record.text.length;
        }
        return page;
      },
      isEnded: () => Promise.resolve(isEnded),
    },
    liveRuns: () => Promise.resolve([]),
  });
  hubs.push(hub);
  return {
    hub,
    readCount: () => readCount,
    /** Stores records; `isTold`: by the writer of this instance, else by another one. */
    write(count: number, isTold: boolean) {
      const records = Array.from({ length: count }, (_, index) => ({
        seq: stored.length + index + 1,
        at: new Date().toISOString(),
        stream: 'stdout' as const,
        text: `line ${stored.length + index + 1}\n`,
        cursor: null,
      }));
      stored.push(...records);
      if (isTold && hub.hasLogReaders(run.runId)) hub.logAppended(run.runId, records);
    },
    end(isTold: boolean) {
      isEnded = true;
      if (isTold) hub.logCompleted(run.runId);
    },
    follow(afterSeq: number) {
      const transport = createRecordingTransport();
      const connection = hub.connect(transport, { id: 'test', isValid: () => Promise.resolve(true) });
      transport.bind(connection);
      let isCompleted = false;
      const unsubscribe = hub.followLog(connection, run, afterSeq, () => {
        isCompleted = true;
      });
      return { transport, unsubscribe, isCompleted: () => isCompleted };
    },
    total: () => stored.length,
  };
}

function seqs(transport: RecordingTransport): number[] {
  return transport.messages.flatMap((message) => (message.type === 'log' ? message.records.map(({ seq }) => seq) : []));
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

describe('a followed run log', () => {
  it('has no gap and no double, whoever writes, whenever readers come and however they stall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 20 }), isTold: fc.boolean() }),
            fc.record({ kind: fc.constant('follow' as const), seen: fc.double({ min: 0, max: 1, noNaN: true }) }),
            fc.record({ kind: fc.constant('stall' as const), reader: fc.nat(5), isStalled: fc.boolean() }),
            fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 0, max: 5 }) }),
          ),
          { minLength: 5, maxLength: 30 },
        ),
        fc.boolean(),
        async (steps, isEndTold) => {
          const world = createWorld();
          const readers: { reader: ReturnType<typeof world.follow>; afterSeq: number }[] = [];
          for (const step of steps) {
            if (step.kind === 'write') world.write(step.count, step.isTold);
            else if (step.kind === 'follow' && readers.length < 6) {
              const afterSeq = Math.floor(step.seen * world.total());
              readers.push({ reader: world.follow(afterSeq), afterSeq });
            } else if (step.kind === 'stall') readers[step.reader]?.reader.transport.setStalled(step.isStalled);
            else if (step.kind === 'pause') await new Promise((resolve) => setTimeout(resolve, step.ms));
          }
          world.end(isEndTold);
          for (const { reader } of readers) reader.transport.setStalled(false);
          for (const { reader, afterSeq } of readers) {
            await until('the end of the log', reader.isCompleted, 10_000);
            await until('the last message', () => reader.transport.messages.at(-1)?.type === 'log-completed', 10_000);
            expect(seqs(reader.transport)).toEqual(range(afterSeq + 1, world.total()));
          }
          expect(world.hub.hasLogReaders(run.runId)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('costs one read of the store a look, however many follow it', async () => {
    const world = createWorld();
    const readers = range(1, 100).map(() => world.follow(0));
    world.write(1, false);
    await until('delivery', () => readers.every(({ transport }) => seqs(transport).length === 1));
    // Each reader finds by a read of its own that it is up to date; from then on one look serves all.
    let before = 0;
    await until('all to be up to date', async () => {
      before = world.readCount();
      await new Promise((resolve) => setTimeout(resolve, quick.storePollMs * 2));
      return world.readCount() - before < 5;
    });
    before = world.readCount();
    world.write(1, false);
    await until('delivery', () => readers.every(({ transport }) => seqs(transport).length === 2));
    // One finds it, one finds that there is no more; slow machines fit another look in between.
    expect(world.readCount() - before).toBeLessThan(20);
  });

  it('is not gathered for anybody once the last reader has gone', async () => {
    const world = createWorld();
    const reader = world.follow(0);
    expect(world.hub.hasLogReaders(run.runId)).toBe(true);
    reader.unsubscribe();
    reader.unsubscribe();
    expect(world.hub.hasLogReaders(run.runId)).toBe(false);
  });

  it('that cannot be read tells its reader so and leaves the connection open', async () => {
    const events = createMemoryEventSource();
    const hub = createLiveHub({
      instanceId: () => 'instance',
      settings: quick,
      clock: systemClock,
      logger: noLogger,
      metrics: noMetrics,
      events,
      logs: { read: () => Promise.reject(new Unreadable()), isEnded: () => Promise.resolve(false) },
      liveRuns: () => Promise.resolve([]),
    });
    hubs.push(hub);
    const transport = createRecordingTransport();
    const connection = hub.connect(transport, { id: 'test', isValid: () => Promise.resolve(true) });
    transport.bind(connection);
    hub.followLog(connection, run, 0, () => undefined);
    await until('the error', () => transport.messages.some(({ type }) => type === 'error'));
    expect(transport.messages.find(({ type }) => type === 'error')).toMatchObject({
      code: 'log_store_unavailable',
      runId: run.runId,
    });
    expect(connection.isOpen).toBe(true);
    expect(hub.hasLogReaders(run.runId)).toBe(false);
  });
});

class Unreadable extends Error {}
