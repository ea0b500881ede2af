import { beforeEach, describe, expect, it } from 'vitest';
import { type CompanyId, createRandomId, type RunId } from '../model/index.js';
import { noLogger, noMetrics } from '../ports/index.js';
import { type SupervisorSettings, supervisorSettingsSchema } from '../supervisor-settings.js';
import { createFakeClock, type FakeClock } from '../testing/fake-clock.js';
import { createMemoryLogStore, type MemoryLogStore } from '../testing/memory-log-store.js';
import { createRunLogWriter, type RunLogWriter } from './run-log-writer.js';

const run = { id: createRandomId<RunId>(), companyId: createRandomId<CompanyId>() };
let clock: FakeClock;
let logStore: MemoryLogStore;
let isLeaseHeld: boolean;
let fencedCount: number;

beforeEach(() => {
  clock = createFakeClock();
  logStore = createMemoryLogStore();
  isLeaseHeld = true;
  fencedCount = 0;
});

function writer(
  rest: { readonly settings?: Partial<SupervisorSettings>; readonly secrets?: string[]; readonly epoch?: number } = {},
): RunLogWriter {
  return createRunLogWriter({
    run,
    ownerEpoch: rest.epoch ?? 1,
    secrets: rest.secrets ?? [],
    isResumable: true,
    logStore,
    clock,
    logger: noLogger,
    metrics: noMetrics,
    settings: supervisorSettingsSchema.parse(rest.settings ?? {}),
    liveFeed: {
      eventsCommitted: () => undefined,
      logAppended: () => undefined,
      hasLogReaders: () => false,
      logCompleted: () => undefined,
    },
    isLeaseHeld: () => isLeaseHeld,
    onStored: () => undefined,
    onFenced: () => {
      fencedCount += 1;
    },
  });
}
const text = (): string => logStore.textOf(run.id);
const finish = async (log: RunLogWriter, limitMs = 60_000): ReturnType<RunLogWriter['finish']> => {
  const finished = log.finish('ended', { limitMs });
  let isDone = false;
  void finished.finally(() => {
    isDone = true;
  });
  await clock.advanceUntil(() => isDone);
  return finished;
};
const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

describe('the log writer of a run', () => {
  it('stores the first record at once and gathers what follows', async () => {
    const log = writer();
    await log.write('stdout', 'first\n', { cursor: '1' });
    await clock.advance(0);
    expect(text()).toBe('first\n');
    for (let line = 0; line < 20; line += 1) await log.write('stderr', `${line}\n`, { cursor: `${line + 2}` });
    await clock.advance(10);
    expect(logStore.appendCount()).toBe(1);
    await clock.advance(50);
    expect(logStore.appendCount()).toBe(2);
    expect(logStore.recordsOf(run.id).map((record) => record.seq)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(await finish(log)).toEqual({ logBytes: text().length, logCursor: '21', droppedBytes: 0, gapBytes: 0 });
  });

  it('stores a full batch without waiting for the time', async () => {
    const log = writer();
    await log.write('stdout', 'x');
    await clock.advance(0);
    for (let piece = 0; piece < 2; piece += 1) await log.write('stdout', 'y'.repeat(40_000));
    await clock.advance(0);
    expect(text().length).toBe(80_001);
    await finish(log);
  });

  it('makes the adapter wait when a mebibyte is not stored, and lets it go on when it is', async () => {
    let open = (): void => undefined;
    logStore.gate = new Promise((resolve) => {
      open = resolve;
    });
    const log = writer();
    let accepted = 0;
    const flood = (async () => {
      for (let piece = 0; piece < 40; piece += 1) {
        await log.write('stdout', 'z'.repeat(65_536));
        accepted += 1;
      }
    })();
    await clock.advance(1_000);
    expect(accepted).toBe(16);
    open();
    await clock.advance(1_000);
    await flood;
    expect((await finish(log)).logBytes).toBe(40 * 65_536);
  });

  it('waits for a full disk with back-pressure and loses nothing', async () => {
    const log = writer();
    logStore.failure = full;
    await log.write('stdout', 'kept\n');
    await clock.advance(30_000);
    expect(text()).toBe('');
    logStore.failure = null;
    await clock.advance(6_000);
    expect(text()).toBe('kept\n');
    expect((await finish(log)).gapBytes).toBe(0);
  });

  it('makes a visible, counted gap when it has to give up', async () => {
    const log = writer({ settings: { logRetryLimitMs: 10_000 } });
    logStore.failure = full;
    await log.write('stdout', 'lost\n');
    await clock.advance(20_000);
    logStore.failure = null;
    await log.write('stdout', 'later\n');
    await clock.advance(1_000);
    expect(text()).toBe('[runbeat] 5 bytes of output could not be stored and are missing here.\nlater\n');
    expect((await finish(log)).gapBytes).toBe(5);
  });

  it('stops keeping text at the limit, tells it once, and goes on taking it', async () => {
    const log = writer({ settings: { logLimitBytes: 10 } });
    await log.write('stdout', 'äöü'.repeat(2));
    await log.write('stdout', 'more');
    const { droppedBytes } = await finish(log);
    const records = logStore.recordsOf(run.id);
    expect(records.map((record) => record.stream)).toEqual(['stdout', 'system']);
    expect(records[0]?.text).toBe('äöüäö');
    expect(droppedBytes).toBe(6);
  });

  it('stores nothing while the lease is not held, and nothing once abandoned', async () => {
    const log = writer();
    isLeaseHeld = false;
    await log.write('stdout', 'a');
    await clock.advance(10_000);
    expect(text()).toBe('');
    log.abandon();
    isLeaseHeld = true;
    await clock.advance(10_000);
    expect(text()).toBe('');
    await expect(log.write('stdout', 'b')).rejects.toMatchObject({ code: 'run_fenced' });
  });

  it('gives up at once when the log belongs to a newer owner', async () => {
    await writer({ epoch: 2 }).open();
    const log = writer({ epoch: 1 });
    await log.write('stdout', 'a');
    await clock.advance(1_000);
    expect([fencedCount, text()]).toEqual([1, '']);
  });

  it('leaves begun secrets with the source when the work goes on without it', async () => {
    const log = writer({ secrets: ['secret'] });
    await log.write('stdout', 'my sec', { cursor: '6' });
    const detached = log.finish('detached', { limitMs: 1_000 });
    await clock.advance(100);
    await detached;
    expect(text()).toBe('my ');
    const next = writer({ secrets: ['secret'], epoch: 2 });
    expect((await next.open()).adapterCursor).toBeNull();
    await next.write('stdout', 'my sec', { cursor: '6' });
    await next.write('stdout', 'ret', { cursor: '9' });
    await finish(next);
    expect(text()).toBe('my ***');
  });
});
