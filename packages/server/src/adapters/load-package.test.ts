import { join } from 'node:path';
import { createPackageLoader, systemClock } from '@runbeat/adapter-host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installSettingsFrom } from './install-settings.js';
import { paperclipLifters } from './paperclip-lifter.js';
import { temporaryFolder, writeAdapterPackage } from './testing/adapter-package.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const loader = createPackageLoader({
  environment: { PATH: process.env['PATH'] },
  lifters: paperclipLifters(),
  clock: systemClock,
  onOutput: () => undefined,
});
const load = async (code: string, manifest: Record<string, unknown> = {}) => {
  const name = 'fixture';
  const path = await writeAdapterPackage(folder.path, { name, code, manifest });
  return await loader.load({ folder: path, name, settings: installSettingsFrom({}) });
};
const adapter = (members: string): string =>
  `export default { specVersion: "adapter-v1", type: "x", execute() {}, hasOutOfProcessLiveness: false,
    configSchema: { "~standard": { version: 1, vendor: "v", validate: (value) => ({ value }) } }, ${members} };`;
const schema = (validate: string): string =>
  adapter(`configSchema: { "~standard": { version: 1, vendor: "v", validate: ${validate} } }`);

test.each<[title: string, code: string, module: string, message: RegExp]>([
  ['that throws while it loads', 'adapter_package_invalid', 'throw new Error("broken build");', /broken build/],
  ['that ends the process while it loads', 'adapter_package_invalid', 'process.exit(4);', /exit code 4/],
  ['that misses a dependency', 'adapter_package_invalid', 'import "not-installed-anywhere";', /not-installed-anywhere/],
  [
    'for another version of the contract',
    'adapter_incompatible',
    adapter('specVersion: "adapter-v9"'),
    /supported here: 'adapter-v1'/,
  ],
  ['with a type that is none', 'adapter_package_invalid', adapter('type: "Not OK"'), /type must match/],
  [
    'that lacks members',
    'adapter_package_invalid',
    'export default { specVersion: "adapter-v1", type: "x" };',
    /configSchema must be.*execute must be/s,
  ],
  [
    'that claims liveness and has none',
    'adapter_package_invalid',
    adapter('hasOutOfProcessLiveness: true'),
    /outOfProcess is required/,
  ],
  ['whose config schema ends the process', 'adapter_package_invalid', schema('() => process.exit(2)'), /exit code 2/],
  ['whose config schema throws', 'adapter_package_invalid', schema('() => { throw new Error("no schema") }'), /no schema/],
  [
    'whose config schema refuses without a reason',
    'adapter_package_invalid',
    schema('() => ({ issues: [] })'),
    /without saying why/,
  ],
])('a package %s is refused with the reason', async (_title, code, module, message) => {
  await expect(load(module)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a package whose entry was not built is told so', async () => {
  await expect(load('export default 1;', { exports: './dist/index.js' })).rejects.toMatchObject({
    code: 'adapter_package_invalid',
    message: expect.stringContaining('Build it'),
  });
});

test.each<[title: string, files: Record<string, string>, manifest: Record<string, unknown>]>([
  [
    'createServerAdapter()',
    { 'index.js': 'export const createServerAdapter = () => ({ type: "paperclip_x", execute() {}, extra: 1 });' },
    {},
  ],
  [
    'the older ./server shape',
    {
      'index.js': 'export const type = "paperclip_x"; export const label = "X";',
      'server.js':
        'export const execute = async () => ({ exitCode: 0 }); export const testEnvironment = async () => ({ checks: [] });',
    },
    { exports: { '.': './index.js', './server': './server.js' } },
  ],
  [
    'a bundle of CommonJS',
    { 'index.cjs': 'exports.createServerAdapter = () => ({ type: "paperclip_x", execute() {} });' },
    { exports: './index.cjs' },
  ],
])('a Paperclip package with %s is recognised and lifted in its worker', async (_title, files, manifest) => {
  const path = await writeAdapterPackage(folder.path, { name: 'paperclip', code: '', files, manifest });
  const loaded = await loader.load({ folder: path, name: 'paperclip', settings: installSettingsFrom({}) });
  expect(loaded).toMatchObject({ type: 'paperclip_x', state: 'ready', version: '1.0.0', capabilities: { liveness: 'attached' } });
  await loaded.close();
});

test('a package is found by its own manifest, wherever its folder lies', async () => {
  const path = await writeAdapterPackage(folder.path, {
    name: '@acme/deep',
    type: 'deep',
    manifest: { exports: { '.': { import: './index.js' } } },
  });
  const loaded = await loader.load({
    folder: join(path, '.'),
    name: '@acme/deep',
    settings: installSettingsFrom({ maxHeapMb: 64 }),
  });
  expect(loaded.type).toBe('deep');
  await loaded.close();
});
