import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holdingChangeLock } from '../change-lock.js';
import { type InstalledAdapter, readInstalledList, writeInstalledList } from '../installed-list.js';

export interface PlacedAdapter {
  readonly type: string;
  readonly version?: string;
  /** The module's text; absent = an adapter that says its version. */
  readonly code?: string;
  readonly removalRequestedAt?: Date | null;
}

/** Puts a package into a home as the installer leaves it, and its entry into the list, without npm. */
export function placeAdapter(home: string, wanted: PlacedAdapter): Promise<InstalledAdapter> {
  return holdingChangeLock(join(home, 'adapters'), { limitMs: 30_000 }, () => place(home, wanted));
}

async function place(home: string, wanted: PlacedAdapter): Promise<InstalledAdapter> {
  const { type, version = '1.0.0' } = wanted;
  const adapters = join(home, 'adapters');
  const name = `adapter-${type}`;
  const folder = join(adapters, name, version);
  const packageFolder = join(folder, 'node_modules', name);
  await mkdir(packageFolder, { recursive: true });
  await writeFile(join(packageFolder, 'package.json'), JSON.stringify({ name, version, type: 'module', exports: './index.js' }));
  await writeFile(join(packageFolder, 'index.js'), wanted.code ?? codeOf(type, version));
  await writeFile(join(folder, 'runbeat-install.json'), JSON.stringify({ name, version, integrity: null, source: name }));
  const entry: InstalledAdapter = {
    packageName: name,
    adapterType: type,
    source: name,
    version,
    integrity: null,
    environment: [],
    allowScripts: false,
    installedAt: new Date(),
    removalRequestedAt: wanted.removalRequestedAt ?? null,
    revision: randomUUID(),
  };
  await write(home, name, entry);
  return entry;
}

/** As a command changes the list; null takes the entry out. */
export function replaceEntry(home: string, packageName: string, entry: InstalledAdapter | null): Promise<void> {
  return holdingChangeLock(join(home, 'adapters'), { limitMs: 30_000 }, () => write(home, packageName, entry));
}

async function write(home: string, packageName: string, entry: InstalledAdapter | null): Promise<void> {
  const adapters = join(home, 'adapters');
  const others = (await readInstalledList(adapters)).filter((one) => one.packageName !== packageName);
  await writeInstalledList(adapters, entry === null ? others : [...others, entry]);
}

/** A job on the disk whose work is not over. */
export async function placeJob(home: string, runId: string, adapterType: string): Promise<void> {
  const folder = join(home, 'jobs', runId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'job.json'), JSON.stringify({ formatVersion: 1, spec: { adapterType } }));
}

export async function finishJob(home: string, runId: string): Promise<void> {
  await writeFile(join(home, 'jobs', runId, 'finish.json'), '{}');
}

function codeOf(type: string, version: string): string {
  return `export default {
  specVersion: 'adapter-v1',
  type: '${type}',
  hasOutOfProcessLiveness: false,
  configSchema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  async execute(context) {
    if (context.config.isWaiting) await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
    return { status: 'succeeded', summary: '${version}' };
  },
};
`;
}
