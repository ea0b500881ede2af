import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdapterFolders } from './adapter-folders.js';
import { createAdapterInstaller } from './adapter-installer.js';
import { obtainPackage } from './obtain-package.js';
import { parsePackageSpec } from './package-spec.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-installer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// Nothing listens there: what is installed here needs no registry.
const environment = { ...process.env, npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0' };
const open = (name: string) => {
  const root = join(folder, name);
  return { root, installer: createAdapterInstaller(createAdapterFolders(root), environment) };
};

async function author(name: string, text: string): Promise<string> {
  const path = join(folder, 'authors', name.replace('/', '__'));
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' }));
  await writeFile(join(path, 'index.js'), text);
  return path;
}

test('packages lie side by side, each whole; removing one leaves the other, and what is not ours', async () => {
  const { root, installer } = open('home');
  const names = ['foo', '@acme/bar'];
  const installed = await Promise.all(
    names.map(async (name) => {
      const staged = await installer.stage(parsePackageSpec(await author(name, 'export default 1;'), folder), {
        allowScripts: false,
      });
      expect(await installer.list()).toEqual([]);
      return staged;
    }),
  ).then((staged) => Promise.all(staged.map((one) => one.promote())));
  await mkdir(join(root, 'node_modules', 'mine'), { recursive: true });
  await mkdir(join(root, 'half', '1.0.0'), { recursive: true });
  expect((await installer.list()).map(({ name }) => name).sort()).toEqual(['@acme/bar', 'foo']);
  expect(installed.map(({ isNew, packageFolder, folder: at }) => [isNew, packageFolder.startsWith(at)])).toEqual([
    [true, true],
    [true, true],
  ]);
  const [foo, bar] = installed;
  await installer.remove(bar?.folder ?? '');
  expect((await installer.list()).map(({ folder: at }) => at)).toEqual([foo?.folder]);
  expect((await readdir(root)).filter((name) => !name.startsWith('.')).sort()).toEqual(['foo', 'half', 'node_modules']);
  await expect(installer.remove(`${root}-beside`)).rejects.toMatchObject({ code: 'adapter_spec_invalid' });
});

test('a package that was installed is obtained again from its source, and another content under its version is refused', async () => {
  const source = await author('again', 'export default 1;');
  const first = open('first');
  const staged = await first.installer.stage(parsePackageSpec(source, folder), { allowScripts: false });
  const { name: packageName, version, integrity } = await staged.promote();
  const wanted = { packageName, version, integrity, source };
  const options = { allowScripts: false, baseFolder: folder, signal: new AbortController().signal };

  expect(await obtainPackage(first.installer, wanted, options)).toMatchObject({ isNew: false, integrity });
  const second = open('second');
  expect(await obtainPackage(second.installer, wanted, options)).toMatchObject({ isNew: true, integrity });
  await author('again', 'export default 2;');
  const third = open('third');
  await expect(obtainPackage(third.installer, wanted, options)).rejects.toMatchObject({
    code: 'adapter_missing',
    message: expect.stringContaining('Install it again'),
  });
  expect(await third.installer.list()).toEqual([]);
  await expect(obtainPackage(third.installer, { ...wanted, source: 'again' }, options)).rejects.toMatchObject({
    code: 'adapter_missing',
    message: expect.stringContaining('could not be fetched'),
  });
});
