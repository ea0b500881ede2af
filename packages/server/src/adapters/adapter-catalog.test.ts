import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packAdapterPackage, writeAdapterPackage } from './testing/adapter-package.js';
import { type CatalogBench, changedUntil, createCatalogBench, foundAdapter, startRun } from './testing/catalog-bench.js';

let bench: CatalogBench;
beforeEach(async () => {
  bench = await createCatalogBench();
});
afterEach(() => bench.close());

/** Longest that something in the background may take on a busy machine. */
const soon = { timeout: 30_000 };
const add = (spec: string, override = false) => ({ spec, allowScripts: false, override });
const folders = async (name: string): Promise<string[]> =>
  (await readdir(join(bench.adaptersFolder, name)).catch(() => [])).sort();
const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;
const staging = async (): Promise<string[]> => await readdir(join(bench.adaptersFolder, '.staging')).catch(() => []);

test('a package of the registry is installed with its lock file, runs, and is told with its integrity', async () => {
  await bench.registry.publish({ name: '@acme/foo', version: '1.0.0' });
  await bench.registry.publish({ name: '@acme/foo', version: '1.1.0' });
  await bench.registry.publish({ name: '@acme/foo', version: '2.0.0' });
  const catalog = await bench.catalog();
  const added = await catalog.add(add('@acme/foo@^1'));
  expect(added).toMatchObject({
    type: 'foo',
    state: 'ready',
    source: '@acme/foo@^1',
    packageName: '@acme/foo',
    version: '1.1.0',
    integrity: expect.stringMatching(/^sha512-/),
    isolation: 'worker-thread',
    runningRuns: 0,
    lastError: null,
    installedAt: expect.any(String),
    capabilities: { hasOutOfProcessLiveness: false, outOfProcessKind: null, isInteractive: false, canTestEnvironment: true },
  });
  const folder = join(bench.adaptersFolder, '@acme/foo/1.1.0');
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'));
  expect(lock.packages['node_modules/@acme/foo']).toMatchObject({ version: '1.1.0', integrity: added.integrity });
  expect(await bench.store.list()).toMatchObject([
    { packageName: '@acme/foo', adapterType: 'foo', version: '1.1.0', source: '@acme/foo@^1' },
  ]);
  expect(await startRun(foundAdapter(catalog, 'foo'), {}).result).toEqual({ status: 'succeeded', summary: '1.1.0' });
  expect(await catalog.test('foo', { a: 1 }, new AbortController().signal)).toEqual({
    checks: [{ code: 'seen', level: 'ok', message: '{"a":1}' }],
  });
  expect(await staging()).toEqual([]);
});

test('a folder and a tarball are installed as copies with versions of their own', async () => {
  const folder = await writeAdapterPackage(bench.folder, { name: 'from-folder', type: 'folder' });
  const tarball = await packAdapterPackage(bench.folder, { name: 'from-tarball', type: 'tarball' });
  const catalog = await bench.catalog();
  const fromFolder = await catalog.add(add(`./${folder.slice(bench.folder.length + 1)}`));
  const fromTarball = await catalog.add(add(tarball));
  expect(fromFolder).toMatchObject({ type: 'folder', source: folder, integrity: expect.stringMatching(/^sha512-/) });
  expect(fromTarball).toMatchObject({ type: 'tarball', source: tarball, integrity: expect.stringMatching(/^sha512-/) });
  await rm(folder, { recursive: true });
  expect(await startRun(foundAdapter(catalog, 'folder'), {}).result).toMatchObject({ status: 'succeeded' });
  expect(await folders('from-folder')).toEqual([expect.stringMatching(/^1\.0\.0-[0-9a-f]{8}$/)]);
});

test('the worker sees what every program needs and what settings name, not the server’s secrets', async () => {
  const folder = await writeAdapterPackage(bench.folder, { name: 'bar', type: 'bar' });
  const settings = { environment: ['NAMED_IN_SETTINGS'], override: false, allowScripts: false };
  const catalog = await bench.catalog({ configured: [{ source: folder, settings }] });
  const { resultJson } = await startRun(foundAdapter(catalog, 'bar'), { does: 'environment' }).result;
  expect(resultJson).toMatchObject({ NAMED_IN_SETTINGS: 'shown', PATH: process.env['PATH'] });
  expect(resultJson).not.toHaveProperty('SERVER_SECRET');
  await expect(catalog.remove('bar', { isForced: true })).rejects.toMatchObject({ code: 'adapter_not_managed' });
});

test('install scripts do not run, and cannot be asked for where the operator forbids them', async () => {
  const manifest = { scripts: { install: "node -e \"require('fs').writeFileSync(process.env.INIT_CWD + '/ran', '')\"" } };
  const folder = await writeAdapterPackage(bench.folder, { name: 'scripted', type: 'scripted', manifest });
  const catalog = await bench.catalog();
  await catalog.add(add(folder));
  const [version] = await folders('scripted');
  expect(await exists(join(bench.adaptersFolder, 'scripted', version ?? '', 'ran'))).toBe(false);
  await expect(catalog.add({ ...add(folder), allowScripts: true })).rejects.toMatchObject({ code: 'adapter_spec_invalid' });
});

test('C19 a second adapter leaves the first untouched, and removing one deletes nothing of its siblings', async () => {
  await bench.registry.publish({ name: '@acme/one', type: 'one' });
  await bench.registry.publish({ name: '@acme/two', type: 'two' });
  const catalog = await bench.catalog();
  await catalog.add(add('@acme/one'));
  const one = foundAdapter(catalog, 'one');
  const before = await stat(join(bench.adaptersFolder, '@acme/one/1.0.0'));
  await catalog.add(add('@acme/two'));
  expect(foundAdapter(catalog, 'one')).toBe(one);
  await catalog.remove('two', { isForced: false });
  await changedUntil(catalog, () => catalog.find('two', null).found === false);
  await expect.poll(() => exists(join(bench.adaptersFolder, '@acme/two')), soon).toBe(false);
  expect(await stat(join(bench.adaptersFolder, '@acme/one/1.0.0'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  expect(await startRun(foundAdapter(catalog, 'one'), {}).result).toMatchObject({ status: 'succeeded' });
  expect((await catalog.list()).map((adapter) => adapter.type)).toEqual(['one']);
});

test('C18 a package that is missing at start is shown, waits, is nobody else’s, and comes back when it can be had', async () => {
  await bench.registry.publish({ name: '@acme/foo' });
  const first = await bench.catalog();
  await first.add(add('@acme/foo'));
  await first.close();
  await rm(join(bench.adaptersFolder, '@acme'), { recursive: true });
  const nowhere = {
    ...process.env,
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_fetch_retries: '0',
    npm_config_cache: join(bench.folder, 'empty-cache'),
  };
  const other = await writeAdapterPackage(bench.folder, { name: 'other', type: 'other' });
  const settings = { environment: [], override: false, allowScripts: false };
  const catalog = await bench.catalog({ environment: nowhere, configured: [{ source: other, settings }] });
  expect(catalog.find('foo', null)).toMatchObject({
    found: false,
    state: 'unavailable',
    code: 'adapter_missing',
    message: expect.stringContaining('@acme/foo@1.0.0'),
  });
  expect(await catalog.get('foo')).toMatchObject({
    state: 'error',
    packageName: '@acme/foo',
    lastError: { code: 'adapter_missing' },
  });
  expect(catalog.find('never-heard-of', null)).toMatchObject({ found: false, state: 'missing', code: 'adapter_missing' });
  expect(await startRun(foundAdapter(catalog, 'other'), {}).result).toMatchObject({ status: 'succeeded' });
  await catalog.close();
  const mended = await bench.catalog();
  expect(await startRun(foundAdapter(mended, 'foo'), {}).result).toMatchObject({ status: 'succeeded' });
});

test('a restart loads what is on the disk without asking the registry', async () => {
  await bench.registry.publish({ name: '@acme/foo' });
  const first = await bench.catalog();
  await first.add(add('@acme/foo'));
  await first.close();
  await bench.registry.close();
  const catalog = await bench.catalog();
  expect(await startRun(foundAdapter(catalog, 'foo'), {}).result).toMatchObject({ status: 'succeeded' });
});

test('an update takes new runs while old ones go on with the old version, whose folder goes with the last of them', async () => {
  await bench.registry.publish({ name: '@acme/foo', version: '1.0.0' });
  const catalog = await bench.catalog();
  await catalog.add(add('@acme/foo'));
  const old = startRun(foundAdapter(catalog, 'foo'), { does: 'wait' });
  expect(await old.started).toBe('started 1.0.0\n');
  await bench.registry.publish({ name: '@acme/foo', version: '1.1.0' });
  expect(await catalog.update('foo', { allowScripts: false })).toMatchObject({
    version: '1.1.0',
    state: 'ready',
    runningRuns: 1,
  });
  expect(await startRun(foundAdapter(catalog, 'foo'), {}).result).toMatchObject({ summary: '1.1.0' });
  expect(await folders('@acme/foo')).toEqual(['1.0.0', '1.1.0']);
  old.cancel();
  expect(await old.result).toMatchObject({ status: 'succeeded', summary: '1.0.0' });
  await expect.poll(() => folders('@acme/foo'), soon).toEqual(['1.1.0']);
  expect(await catalog.get('foo')).toMatchObject({ runningRuns: 0 });
});

test('an adapter in use is not removed; by force it takes no new runs and goes with the last one', async () => {
  await bench.registry.publish({ name: '@acme/foo' });
  const catalog = await bench.catalog();
  await catalog.add(add('@acme/foo'));
  const run = startRun(foundAdapter(catalog, 'foo'), { does: 'wait' });
  await run.started;
  await expect(catalog.remove('foo', { isForced: false })).rejects.toMatchObject({
    code: 'adapter_in_use',
    evidence: { runs: 1 },
  });
  expect(catalog.find('foo', null).found).toBe(true);
  await catalog.remove('foo', { isForced: true });
  expect(catalog.find('foo', null)).toMatchObject({
    found: false,
    state: 'unavailable',
    message: expect.stringContaining('being removed'),
  });
  expect(await catalog.get('foo')).toMatchObject({ state: 'removed', runningRuns: 1 });
  expect(await bench.store.list()).toMatchObject([{ removalRequestedAt: expect.any(Date) }]);
  run.cancel();
  expect(await run.result).toMatchObject({ status: 'succeeded' });
  await changedUntil(catalog, () => {
    const lookup = catalog.find('foo', null);
    return !lookup.found && lookup.state === 'missing';
  });
  await expect.poll(() => bench.store.list(), soon).toEqual([]);
  await expect.poll(() => exists(join(bench.adaptersFolder, '@acme')), soon).toBe(false);
});

test('a package that is added again while it is being removed stays, and is loaded once', async () => {
  await bench.registry.publish({ name: '@acme/foo', version: '1.0.0' });
  const catalog = await bench.catalog();
  await catalog.add(add('@acme/foo'));
  const run = startRun(foundAdapter(catalog, 'foo'), { does: 'wait' });
  await run.started;
  await catalog.remove('foo', { isForced: true });
  await catalog.add(add('@acme/foo'));
  const again = foundAdapter(catalog, 'foo');
  await catalog.followOnce();
  await catalog.followOnce();
  expect(foundAdapter(catalog, 'foo')).toBe(again);
  run.cancel();
  expect(await run.result).toMatchObject({ status: 'succeeded' });
  await expect.poll(async () => (await catalog.list()).length, soon).toBe(1);
  expect(await bench.store.list()).toMatchObject([{ packageName: '@acme/foo', removalRequestedAt: null }]);
  expect(await startRun(again, {}).result).toMatchObject({ status: 'succeeded' });
  expect(await folders('@acme/foo')).toEqual(['1.0.0']);
});

test('a type that is taken is an error that names both packages, and an override is explicit and lasts', async () => {
  await bench.registry.publish({ name: 'one', type: 'same' });
  await bench.registry.publish({ name: 'two', type: 'same', version: '2.0.0' });
  const catalog = await bench.catalog();
  await catalog.add(add('one'));
  await expect(catalog.add(add('two'))).rejects.toMatchObject({
    code: 'adapter_type_taken',
    message: expect.stringMatching(/two.*one/s),
  });
  expect(await folders('two')).toEqual([]);
  expect(await catalog.add(add('two', true))).toMatchObject({ packageName: 'two', version: '2.0.0' });
  expect(await startRun(foundAdapter(catalog, 'same'), {}).result).toMatchObject({ summary: '2.0.0' });
  expect((await bench.store.list()).map((row) => row.packageName)).toEqual(['two']);
  await expect.poll(async () => (await catalog.list()).map((adapter) => adapter.packageName), soon).toEqual(['two']);
});

test('other instances follow the row: they fetch, switch and let go', async () => {
  await bench.registry.publish({ name: '@acme/foo', version: '1.0.0' });
  await bench.registry.publish({ name: '@acme/foo', version: '1.1.0' });
  const here = await bench.catalog();
  const there = await bench.catalog({ adaptersFolder: join(bench.folder, 'other-home', 'adapters') });
  const versionThere = () => {
    const lookup = there.find('foo', null);
    return lookup.found ? lookup.version : null;
  };
  await here.add(add('@acme/foo@1.0.0'));
  await changedUntil(there, () => versionThere() === '1.0.0');
  await here.update('foo', { spec: '@acme/foo@1.1.0', allowScripts: false });
  await changedUntil(there, () => versionThere() === '1.1.0');
  await here.remove('foo', { isForced: false });
  await changedUntil(there, () => !there.find('foo', null).found);
  await expect.poll(async () => (await there.list()).length, soon).toBe(0);
});
