import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadedAdapter } from '@runbeat/adapter-host';
import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunnerClock, systemRunnerClock } from '../runner-clock.js';
import { noRunnerLogger } from '../runner-logger.js';
import { openAdapterHome } from './adapter-home.js';
import { type AdapterFollower, createAdapterFollower } from './follow-adapters.js';
import { readInstalledList } from './installed-list.js';
import { finishJob, placeAdapter, placeJob, replaceEntry } from './testing/placed-adapters.js';

let home: string;
let follower: AdapterFollower | null = null;
/** Added to the monotonic clock: retries take half a minute and more. */
let skippedMs = 0;
/** A handover of this length ends when the test says so. */
const STEERED_MS = 3_600_000;
let endHandover = (): void => {};
const clock: RunnerClock = {
  ...systemRunnerClock,
  monotonicMs: () => performance.now() + skippedMs,
  setTimer(delayMs, callback) {
    if (delayMs !== STEERED_MS) return systemRunnerClock.setTimer(delayMs, callback);
    endHandover = callback;
    return () => undefined;
  },
};

beforeEach(async () => {
  skippedMs = 0;
  home = await mkdtemp(join(tmpdir(), 'runbeat-follow-'));
  await mkdir(join(home, 'adapters'));
});
afterEach(async () => {
  await follower?.close();
  follower = null;
  await rm(home, { recursive: true, force: true });
});

async function start(settings: { handoverMs?: number; startMs?: number; reserved?: string[] } = {}): Promise<AdapterFollower> {
  const { handoverMs = 10, startMs = 15_000, reserved = [] } = settings;
  const closing = new AbortController();
  follower = createAdapterFollower({
    home,
    closing,
    adapters: await openAdapterHome({
      home,
      signal: closing.signal,
      environment: { ...process.env, npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0' },
      onOutput: () => undefined,
    }),
    reservedTypes: () => new Set(reserved),
    settings: { adaptersLookMs: 25, adapterHandoverMs: handoverMs, adaptersStartMs: startMs },
    clock,
    logger: noRunnerLogger,
    onChange: () => undefined,
  });
  await follower.start();
  return follower;
}

const offered = (): string[] => (follower?.offered() ?? []).map(({ type, version }) => `${type} ${version}`).sort();
const retired = (): string[] => (follower?.retired() ?? []).map(({ type }) => type);
const poll = <T>(what: () => T | Promise<T>) => expect.poll(what, { timeout: 20_000, interval: 20 });
const versions = (type: string): Promise<string[]> => readdir(join(home, 'adapters', `adapter-${type}`)).catch(() => []);
const listed = async (): Promise<string[]> => (await readInstalledList(join(home, 'adapters'))).map((one) => one.adapterType);

function run(loaded: LoadedAdapter | undefined, config: object = {}): { result: Promise<RunResultV1>; cancel(): void } {
  if (loaded === undefined) throw new TypeError('There is no such adapter.');
  const context = createRecordingContext({ config });
  return { result: context.execute(loaded.adapter), cancel: () => context.abort({ kind: 'cancelled' }) };
}

test('what is installed is loaded at the start; what comes later is loaded when it comes', async () => {
  await placeAdapter(home, { type: 'first' });
  await start();
  expect(offered()).toEqual(['first 1.0.0']);
  await placeAdapter(home, { type: 'second' });
  await poll(offered).toEqual(['first 1.0.0', 'second 1.0.0']);
});

test('a job that looked its adapter up before it was replaced may still call it; then the version before goes', async () => {
  await placeAdapter(home, { type: 'foo' });
  await start({ handoverMs: STEERED_MS });
  const before = follower?.offered()[0];
  await placeAdapter(home, { type: 'foo', version: '1.1.0' });
  await poll(offered).toEqual(['foo 1.1.0']);
  const late = run(before, { isWaiting: true });
  expect(await run(follower?.offered()[0]).result).toMatchObject({ summary: '1.1.0' });
  endHandover();
  // What it started goes on.
  await poll(() =>
    run(before).result.then(
      () => 'taken',
      (error: { code: string }) => error.code,
    ),
  ).toBe('adapter_unavailable');
  expect(await versions('foo')).toEqual(['1.0.0', '1.1.0']);
  late.cancel();
  expect(await late.result).toMatchObject({ summary: '1.0.0' });
  await poll(() => versions('foo')).toEqual(['1.1.0']);
});

test('a removed one is not offered any more and stays for the jobs on the disk that have it, over a restart too', async () => {
  const entry = await placeAdapter(home, { type: 'foo' });
  await placeAdapter(home, { type: 'sibling' });
  await placeJob(home, 'job-1', 'foo');
  await start();
  await replaceEntry(home, 'adapter-foo', { ...entry, removalRequestedAt: new Date(), revision: 'leaving' });
  await poll(offered).toEqual(['sibling 1.0.0']);
  expect(retired()).toEqual(['foo']);
  await follower?.close();
  await start();
  await poll(retired).toEqual(['foo']);
  expect([offered(), await listed()]).toEqual([['sibling 1.0.0'], ['foo', 'sibling']]);
  await finishJob(home, 'job-1');
  await poll(listed).toEqual(['sibling']);
  await poll(() => versions('foo')).toEqual([]);
  expect([offered(), retired(), await versions('sibling')]).toEqual([['sibling 1.0.0'], [], ['1.0.0']]);
});

test('a removal that nobody needs the adapter for any more is finished at the start, without loading it', async () => {
  await placeAdapter(home, { type: 'foo', removalRequestedAt: new Date(), code: 'process.exit(1);' });
  await start();
  await poll(listed).toEqual([]);
  await poll(() => versions('foo')).toEqual([]);
});

test('one that is installed again while it leaves takes new work again', async () => {
  const entry = await placeAdapter(home, { type: 'foo' });
  await placeJob(home, 'job-1', 'foo');
  await start();
  await replaceEntry(home, 'adapter-foo', { ...entry, removalRequestedAt: new Date(), revision: 'leaving' });
  await poll(retired).toEqual(['foo']);
  await replaceEntry(home, 'adapter-foo', { ...entry, revision: 'again' });
  await poll(offered).toEqual(['foo 1.0.0']);
  await finishJob(home, 'job-1');
  await poll(retired).toEqual([]);
  expect([offered(), await listed()]).toEqual([['foo 1.0.0'], ['foo']]);
});

test('one that fails is told with its code, stops no other, and is tried again after 30 s', async () => {
  await placeAdapter(home, { type: 'sound' });
  const broken = await placeAdapter(home, { type: 'foo', code: 'throw new Error("no disk");' });
  await start();
  expect(offered()).toEqual(['sound 1.0.0']);
  expect(follower?.issues()).toMatchObject([
    {
      package: { name: 'adapter-foo', version: '1.0.0', adapterType: 'foo' },
      code: 'adapter_package_invalid',
      message: expect.stringContaining('no disk'),
    },
  ]);
  // Mended on the disk, under the same entry.
  await placeAdapter(home, { type: 'foo' });
  await replaceEntry(home, 'adapter-foo', broken);
  skippedMs += 15_000;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(offered()).toEqual(['sound 1.0.0']);
  skippedMs += 16_000;
  await poll(offered).toEqual(['foo 1.0.0', 'sound 1.0.0']);
  expect(follower?.issues()).toEqual([]);
});

test('a version that fails leaves the one before at work, and says so', async () => {
  await placeAdapter(home, { type: 'foo' });
  await start();
  await placeAdapter(home, { type: 'foo', version: '2.0.0', code: 'export const nothing = 1;' });
  await poll(() => follower?.issues()).toMatchObject([
    { message: expect.stringContaining('Version 1.0.0, which was loaded before, goes on.') },
  ]);
  expect(offered()).toEqual(['foo 1.0.0']);
  expect(await run(follower?.offered()[0]).result).toMatchObject({ summary: '1.0.0' });
});

test('a package that is gone from the disk and cannot be fetched is told as missing', async () => {
  await placeAdapter(home, { type: 'foo' });
  await rm(join(home, 'adapters', 'adapter-foo'), { recursive: true });
  await start();
  expect(follower?.issues()).toMatchObject([{ code: 'adapter_missing' }]);
});

test('a list that cannot be read changes nothing but the health', async () => {
  await placeAdapter(home, { type: 'foo' });
  await start();
  const list = join(home, 'adapters', 'installed.json');
  const whole = await readFile(list, 'utf8');
  await writeFile(list, '{"formatVersion":1,"adap');
  await poll(() => follower?.issues()).toMatchObject([
    { package: null, code: 'runner_adapters_unreadable', message: expect.stringContaining(list) },
  ]);
  expect(offered()).toEqual(['foo 1.0.0']);
  await writeFile(list, whole);
  await poll(() => follower?.issues()).toEqual([]);
  expect(offered()).toEqual(['foo 1.0.0']);
});

test('a type that the runner was given in code stays with it', async () => {
  await placeAdapter(home, { type: 'foo' });
  await start({ reserved: ['foo'] });
  expect(offered()).toEqual([]);
  expect(follower?.issues()).toMatchObject([{ code: 'runner_adapter_type_taken' }]);
});

test('one that hangs while it is loaded holds neither the start nor the end', async () => {
  await placeAdapter(home, { type: 'hanging', code: 'await new Promise((resolve) => setTimeout(resolve, 600_000));' });
  await placeAdapter(home, { type: 'quick' });
  await start({ startMs: 1_000 });
  await poll(offered).toEqual(['quick 1.0.0']);
});

test('packages that no entry names are deleted, what is not ours is left', async () => {
  await placeAdapter(home, { type: 'foo', version: '0.9.0' });
  await placeAdapter(home, { type: 'foo' });
  const own = join(home, 'adapters', 'node_modules', 'mine');
  await mkdir(own, { recursive: true });
  await mkdir(join(home, 'adapters', 'notes', 'deep'), { recursive: true });
  await start();
  await poll(() => versions('foo')).toEqual(['1.0.0']);
  expect(await readdir(join(home, 'adapters'))).toEqual(expect.arrayContaining(['node_modules', 'notes']));
  expect(await readdir(own)).toEqual([]);
});
