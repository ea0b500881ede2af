import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeAdapterPackage } from './testing/adapter-package.js';
import { type CatalogBench, createCatalogBench, foundAdapter, startRun } from './testing/catalog-bench.js';

let bench: CatalogBench;
beforeEach(async () => {
  bench = await createCatalogBench();
});
afterEach(() => bench.close());

const add = (spec: string) => ({ spec, allowScripts: false, override: false });
/** Everything below the adapters' folder that is no hidden work. */
const tree = async (): Promise<string[]> => {
  const names = await readdir(bench.adaptersFolder, { recursive: true }).catch(() => []);
  return names.filter((name) => !name.includes('node_modules') && !name.startsWith('.staging')).sort();
};

test('a package that does not exist is told with npm’s last lines, and nothing is left', async () => {
  const catalog = await bench.catalog();
  await expect(catalog.add(add('@acme/nothing'))).rejects.toMatchObject({
    code: 'adapter_install_failed',
    message: expect.stringMatching(/npm's last lines:[\s\S]*404/),
  });
  expect(await tree()).toEqual([]);
  expect(await bench.store.list()).toEqual([]);
});

test('a package whose own name or version would lead out of the adapters’ folder is refused', async () => {
  const catalog = await bench.catalog();
  for (const [name, version] of [
    ['../../escaped', '1.0.0'],
    ['fine', '../../1.0.0'],
  ] as const) {
    const folder = join(bench.folder, 'evil');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }));
    await expect(catalog.add(add(folder))).rejects.toMatchObject({
      code: expect.stringMatching(/^adapter_(install_failed|spec_invalid)$/),
    });
  }
  expect(await tree()).toEqual([]);
});

test('a package without an adapter is refused with what it exports, and leaves nothing', async () => {
  const catalog = await bench.catalog();
  await bench.registry.publish({ name: 'empty', code: 'export const hello = 1;' });
  await expect(catalog.add(add('empty'))).rejects.toMatchObject({
    code: 'adapter_package_invalid',
    message: expect.stringContaining('exports hello'),
    evidence: { reason: 'adapter_not_found' },
  });
  expect(await tree()).toEqual([]);
  expect(await bench.store.list()).toEqual([]);
  expect(await catalog.list()).toEqual([]);
});

test('a failing update leaves the old version running and says why', async () => {
  await bench.registry.publish({ name: 'foo', version: '1.0.0' });
  const catalog = await bench.catalog();
  await catalog.add(add('foo'));
  const before = foundAdapter(catalog, 'foo');
  await bench.registry.publish({ name: 'foo', version: '1.1.0', code: 'export const nothing = 1;' });
  await expect(catalog.update('foo', { allowScripts: false })).rejects.toMatchObject({ code: 'adapter_package_invalid' });
  await bench.registry.publish({ name: 'foo', version: '1.2.0', type: 'renamed' });
  await expect(catalog.update('foo', { allowScripts: false })).rejects.toMatchObject({
    code: 'adapter_package_invalid',
    message: expect.stringContaining('"renamed"'),
  });
  expect(foundAdapter(catalog, 'foo')).toBe(before);
  expect(await startRun(before, {}).result).toMatchObject({ summary: '1.0.0' });
  expect(await readdir(join(bench.adaptersFolder, 'foo'))).toEqual(['1.0.0']);
  expect(await bench.store.list()).toMatchObject([{ version: '1.0.0' }]);
});

test('an install that is interrupted half-way leaves the old version, and the next start clears what it left', async () => {
  await bench.registry.publish({ name: 'foo', version: '1.0.0' });
  const catalog = await bench.catalog();
  await catalog.add(add('foo'));
  await bench.registry.publish({ name: 'foo', version: '1.1.0' });
  const asked = bench.registry.stall('foo');
  const update = catalog.update('foo', { allowScripts: false });
  const failed = expect(update).rejects.toMatchObject({
    code: 'adapter_install_failed',
    message: expect.stringContaining('given up'),
  });
  await asked;
  await catalog.close();
  await failed;
  // As a killed server leaves it.
  await mkdir(join(bench.adaptersFolder, '.staging', 'install-left', 'node_modules'), { recursive: true });
  const next = await bench.catalog();
  expect(await readdir(bench.adaptersFolder)).toEqual(['foo']);
  expect(await startRun(foundAdapter(next, 'foo'), {}).result).toMatchObject({ summary: '1.0.0' });
});

test('two installs at once: of two packages both succeed, of one package one version is left, consistent everywhere', async () => {
  await bench.registry.publish({ name: 'foo', version: '1.0.0' });
  await bench.registry.publish({ name: 'bar', type: 'bar' });
  const catalog = await bench.catalog();
  const added = await Promise.all([catalog.add(add('foo')), catalog.add(add('bar')), catalog.add(add('foo'))]);
  expect(added.map((adapter) => adapter.type)).toEqual(['foo', 'bar', 'foo']);
  expect(await startRun(foundAdapter(catalog, 'foo'), {}).result).toMatchObject({ summary: '1.0.0' });
  expect(await startRun(foundAdapter(catalog, 'bar'), {}).result).toMatchObject({ status: 'succeeded' });
  expect((await bench.store.list()).map((row) => row.packageName).sort()).toEqual(['bar', 'foo']);
  expect((await catalog.list()).map((adapter) => adapter.state)).toEqual(['ready', 'ready']);
});

test('two packages that want one type at once: one gets it, the other is told who has it', async () => {
  await bench.registry.publish({ name: 'one', type: 'same' });
  await bench.registry.publish({ name: 'two', type: 'same' });
  const catalog = await bench.catalog();
  const outcomes = await Promise.allSettled([catalog.add(add('one')), catalog.add(add('two'))]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({ reason: { code: 'adapter_type_taken' } });
  expect(await bench.store.list()).toHaveLength(1);
  expect(await catalog.list()).toHaveLength(1);
});

test('a check does all that an add would do and changes nothing', async () => {
  await bench.registry.publish({ name: 'foo', version: '1.0.0' });
  await bench.registry.publish({ name: 'other', type: 'foo' });
  const catalog = await bench.catalog();
  expect(await catalog.check({ spec: 'foo', allowScripts: false })).toEqual({
    ok: true,
    type: 'foo',
    packageName: 'foo',
    version: '1.0.0',
    problems: [],
  });
  expect(await tree()).toEqual([]);
  await catalog.add(add('foo'));
  expect(await catalog.check({ spec: 'other', allowScripts: false })).toMatchObject({
    ok: false,
    problems: [{ code: 'adapter_type_taken' }],
  });
  expect(await catalog.check({ spec: 'no-such-package', allowScripts: false })).toMatchObject({
    ok: false,
    packageName: null,
    problems: [{ code: 'adapter_install_failed' }],
  });
});

test('C6 an adapter that crashes takes no runs until it is back, its neighbour goes on, and an update brings it back at once', async () => {
  await bench.registry.publish({ name: 'foo', version: '1.0.0' });
  const neighbour = await writeAdapterPackage(bench.folder, { name: 'neighbour', type: 'neighbour' });
  const catalog = await bench.catalog({
    configured: [{ source: neighbour, settings: { environment: [], override: false, allowScripts: false } }],
  });
  await catalog.add(add('foo'));
  const waiting = startRun(foundAdapter(catalog, 'neighbour'), { does: 'wait' });
  await waiting.started;
  await expect(startRun(foundAdapter(catalog, 'foo'), { does: 'exit' }).result).rejects.toMatchObject({
    code: 'adapter_crashed',
  });
  expect(catalog.find('foo', null)).toMatchObject({ found: false, state: 'unavailable' });
  // A run that is at work outside is asked about as soon as the next worker is there.
  expect(catalog.find('foo', null, 'recover')).toMatchObject({ found: true });
  expect(await catalog.get('foo')).toMatchObject({ state: 'loading', lastError: { code: 'adapter_crashed' } });
  await catalog.update('foo', { allowScripts: false });
  expect(await catalog.get('foo')).toMatchObject({ state: 'ready', lastError: null });
  expect(await startRun(foundAdapter(catalog, 'foo'), {}).result).toMatchObject({ status: 'succeeded' });
  waiting.cancel();
  expect(await waiting.result).toMatchObject({ status: 'succeeded' });
});
