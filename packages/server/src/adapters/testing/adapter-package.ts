import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'runbeat-adapters-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface AdapterPackage {
  readonly name: string;
  readonly version?: string;
  readonly type?: string;
  /** The module's text; absent = an adapter that says its version and can wait, crash, block and leak. */
  readonly code?: string;
  /** Further members of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes a package as an author has it, built, into `parent`; gives its folder. */
export async function writeAdapterPackage(parent: string, wanted: AdapterPackage): Promise<string> {
  const version = wanted.version ?? '1.0.0';
  const folder = join(parent, `${wanted.name.replace('/', '__')}-${version}`);
  const manifest = { name: wanted.name, version, type: 'module', exports: './index.js', ...wanted.manifest };
  const files = {
    'package.json': JSON.stringify(manifest),
    'index.js': wanted.code ?? adapterCode(wanted.type ?? 'foo', version),
    ...wanted.files,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** The tarball that `npm publish` would send. */
export async function packAdapterPackage(parent: string, wanted: AdapterPackage): Promise<string> {
  const folder = await writeAdapterPackage(parent, wanted);
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', folder, '--json', '--ignore-scripts', `--pack-destination=${parent}`],
    {
      cwd: parent,
    },
  );
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(parent, packed?.filename ?? '');
}

/** A tarball of the same shape in a fraction of the time, for registries of tests with many versions. */
export async function tarAdapterPackage(parent: string, wanted: AdapterPackage): Promise<Buffer> {
  const folder = await writeAdapterPackage(await mkdtemp(join(parent, 'publish-')), wanted);
  const target = join(dirname(folder), 'package');
  await rename(folder, target);
  const { stdout } = await promisify(execFile)('tar', ['-czf', '-', '-C', dirname(target), 'package'], { encoding: 'buffer' });
  return stdout;
}

function adapterCode(type: string, version: string): string {
  return `
const configSchema = { '~standard': { version: 1, vendor: 'fixture', validate: (value) => ({ value }) } };
export default {
  specVersion: 'adapter-v1',
  type: ${JSON.stringify(type)},
  configSchema,
  hasOutOfProcessLiveness: false,
  testEnvironment: async ({ config }) => ({ checks: [{ code: 'seen', level: 'ok', message: JSON.stringify(config) }] }),
  async execute(context) {
    await context.onLog('stdout', 'started ${version}\\n');
    switch (context.config.does) {
      case 'wait':
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
        break;
      case 'exit':
        process.exit(1);
      case 'block':
        for (;;);
      case 'leak': {
        const kept = [];
        for (;;) kept.push(new Array(100_000).fill(0).map((_, n) => ({ n })));
      }
      case 'environment':
        return { status: 'succeeded', resultJson: { ...process.env } };
    }
    return { status: 'succeeded', summary: '${version}' };
  },
};
`;
}
