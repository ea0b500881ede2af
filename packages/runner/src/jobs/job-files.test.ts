import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnerJobSpec } from '@runbeat/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJobFiles } from './job-files.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbeat-jobs-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const runId = '00000000-0000-4000-8000-00000000000a';
const spec: RunnerJobSpec = {
  runId,
  attempt: 1,
  adapterType: 'local',
  config: { command: 'true' },
  agent: { id: 'a', companyId: 'c', name: 'n', role: 'r' },
  input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
  previousSession: null,
  session: null,
  environment: { RUNBEAT_RUN_TOKEN: 'secret' },
};
const handle = { kind: 'external', formatVersion: 1, ref: { name: 'pod' } } as const;
const finish = { result: { status: 'succeeded' }, logBytes: 12, chain: 'x' } as const;

test('what another process finds is what was stored: claimed, started, with its handle, finished', async () => {
  const files = await openJobFiles(home);
  const claimed = { spec, leaseEpoch: 3, starts: 0, handle: null };
  await files.storeJob(claimed);
  const found = async () => (await (await openJobFiles(home)).findAll()).found;
  expect(await found()).toEqual([{ job: claimed, finish: null }]);
  await files.markStarted(runId, 1);
  expect(await found()).toEqual([{ job: { ...claimed, starts: 1 }, finish: null }]);
  await files.storeJob({ ...claimed, starts: 1, handle });
  expect(await found()).toEqual([{ job: { ...claimed, starts: 1, handle }, finish: null }]);
  await files.storeFinish(runId, finish);
  expect(await found()).toEqual([{ job: { ...claimed, starts: 1, handle }, finish }]);
  await files.discard(runId);
  expect(await found()).toEqual([]);
});

test('after a crash of the machine work that may have begun counts as begun: its mark waited for no disk', async () => {
  const files = await openJobFiles(home);
  await files.storeJob({ spec, leaseEpoch: 3, starts: 0, handle: null });
  const mark = join(home, 'jobs', runId, 'started');
  const starts = async () => (await (await openJobFiles(home)).findAll()).found[0]?.job.starts;
  expect(await starts()).toBe(0);
  for (const left of ['0 another-boot', '1 another-boot', '', '0']) {
    await writeFile(mark, left);
    expect(await starts()).toBe(Number.POSITIVE_INFINITY);
  }
  await rm(mark);
  expect(await starts()).toBe(Number.POSITIVE_INFINITY);
});

test('nobody else can read it: it holds the secrets of the run', async () => {
  const files = await openJobFiles(home);
  await files.storeJob({ spec, leaseEpoch: 3, starts: 0, handle: null });
  await files.markStarted(runId, 1);
  expect((await stat(join(home, 'jobs'))).mode & 0o077).toBe(0);
  for (const name of await readdir(join(home, 'jobs', runId))) {
    expect((await stat(join(home, 'jobs', runId, name))).mode & 0o077).toBe(0);
  }
});

test('a lost job is kept, and comes back whole when it is offered again', async () => {
  const files = await openJobFiles(home);
  await files.storeJob({ spec, leaseEpoch: 3, starts: 0, handle: null });
  await files.markStarted(runId, 1);
  await files.storeFinish(runId, finish);
  await files.keepLost(runId);
  expect((await files.findAll()).found).toEqual([]);
  expect(await files.restoreLost(runId)).toMatchObject({ job: { leaseEpoch: 3, starts: 1 }, finish });
  expect(await files.restoreLost(runId)).toBeNull();
});

test('a folder without a job (a crash while it was made) is dropped, one that cannot be read is kept aside and named', async () => {
  const files = await openJobFiles(home);
  await mkdir(join(home, 'jobs', 'empty'));
  await mkdir(join(home, 'jobs', 'broken'));
  await writeFile(join(home, 'jobs', 'broken', 'job.json'), '{"formatVersion":9}');
  expect(await files.findAll()).toEqual({ found: [], broken: ['broken'] });
  expect(await readdir(join(home, 'jobs'))).toEqual([]);
  expect(await readdir(join(home, 'lost', 'broken'))).toEqual(['job.json']);
});
