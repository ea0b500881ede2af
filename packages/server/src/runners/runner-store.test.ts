import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database/test-database.js';
import { createPostgresRunnerStore } from '../db/runner-store.js';
import { createMemoryRunnerStore } from './memory-runner-store.js';
import type { RunnerJobRecord } from './runner-job-record.js';
import type { RunnerRecord } from './runner-record.js';
import type { RunnerStore } from './runner-store.js';

const now = new Date('2026-06-01T00:00:00.000Z');
const later = new Date(now.getTime() + 60_000);
const runner = (change: Partial<RunnerRecord> = {}): RunnerRecord => ({
  id: randomUUID(),
  companyId: null,
  name: 'one',
  labels: ['gpu', 'eu.west-1'],
  adapters: [{ type: 'local', version: '1.2.3', interactive: 'acp' }],
  slots: 4,
  version: '0.1.0',
  tokenHash: randomUUID(),
  adminStatus: 'enabled',
  lastSeenAt: null,
  createdAt: now,
  ...change,
});
const job = (change: Partial<RunnerJobRecord> = {}): RunnerJobRecord => ({
  runId: randomUUID(),
  sessionId: randomUUID(),
  companyId: randomUUID(),
  runnerId: null,
  homeId: null,
  leaseEpoch: 10,
  state: 'offered',
  adapterType: 'local',
  placement: { runnerLabel: 'gpu' },
  previousSession: { thread: ['a', 1, null] },
  createdAt: now,
  updatedAt: now,
  ...change,
});

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

describe.each([
  ['memory', () => createMemoryRunnerStore()],
  ['PostgreSQL', () => createPostgresRunnerStore(database)],
] as [string, () => RunnerStore][])('the runner store in %s', (_name, create) => {
  let store: RunnerStore;
  beforeEach(async () => {
    await database.clear();
    store = create();
  });

  test('a runner comes back as it was stored, and registering its token again gives the same one', async () => {
    const first = runner();
    expect(await store.registerRunner(first)).toEqual(first);
    expect(await store.registerRunner(runner({ tokenHash: first.tokenHash, name: 'copy' }))).toEqual(first);
    expect(await store.findRunner(first.id)).toEqual(first);
    expect(await store.listRunners()).toEqual([first]);
    expect(await store.findRunner(randomUUID())).toBeNull();
  });

  test('what a session tells anew is stored', async () => {
    const first = await store.registerRunner(runner());
    const patch = { name: 'two', labels: [], slots: 9, adapters: [], adminStatus: 'disabled', lastSeenAt: later } as const;
    expect(await store.patchRunner(first.id, patch, later)).toBe(true);
    expect(await store.findRunner(first.id)).toEqual({ ...first, ...patch });
    expect(await store.patchRunner(randomUUID(), patch, later)).toBe(false);
  });

  test('a removed runner is gone, once', async () => {
    const first = await store.registerRunner(runner());
    expect(await store.removeRunner(first.id)).toBe(true);
    expect(await store.removeRunner(first.id)).toBe(false);
    expect(await store.findRunner(first.id)).toBeNull();
  });

  test('a job comes back as it was stored, with and without a runner', async () => {
    const waiting = job();
    const assigned = job({
      runnerId: randomUUID(),
      homeId: randomUUID(),
      state: 'leased',
      placement: { runnerId: randomUUID() },
    });
    expect(await store.putJob(waiting)).toBe(true);
    expect(await store.putJob(assigned)).toBe(true);
    expect(await store.findJobs([waiting.runId])).toEqual([waiting]);
    expect(await store.findJobs([assigned.runId, randomUUID()])).toEqual([assigned]);
    expect(await store.findJobs([])).toEqual([]);
  });

  test('an assignment of an older epoch does not replace a newer one', async () => {
    const newer = job({ leaseEpoch: 11 });
    await store.putJob(newer);
    expect(await store.putJob({ ...newer, leaseEpoch: 10, runnerId: randomUUID() })).toBe(false);
    expect(await store.findJobs([newer.runId])).toEqual([newer]);
    expect(await store.putJob({ ...newer, leaseEpoch: 12 })).toBe(true);
  });

  test('of two writers of one epoch the one who raised it wins, and the other is told', async () => {
    const stored = job({ runnerId: randomUUID() });
    await store.putJob(stored);
    const guard = { runId: stored.runId, leaseEpoch: 10 };
    const answers = await Promise.all([
      store.patchJob(guard, { state: 'lost', leaseEpoch: 11 }, later),
      store.patchJob(guard, { state: 'lost', leaseEpoch: 11 }, later),
    ]);
    expect(answers.sort()).toEqual([false, true]);
    expect(await store.patchJob(guard, { state: 'leased', homeId: randomUUID() }, later)).toBe(false);
    expect(await store.findJobs([stored.runId])).toEqual([{ ...stored, state: 'lost', leaseEpoch: 11, updatedAt: later }]);
    expect(await store.patchJob({ ...guard, leaseEpoch: 11 }, { runnerId: null }, later)).toBe(true);
    expect((await store.findJobs([stored.runId]))[0]?.runnerId).toBeNull();
  });

  test('only what is over and old is removed', async () => {
    const states = ['offered', 'leased', 'done', 'lost'] as const;
    const jobs = states.map((state) => job({ state }));
    for (const one of jobs) await store.putJob(one);
    expect(await store.pruneJobs(now)).toBe(0);
    expect(await store.pruneJobs(later)).toBe(2);
    const left = await store.findJobs(jobs.map((one) => one.runId));
    expect(left.map((one) => one.state).sort()).toEqual(['leased', 'offered']);
  });
});
