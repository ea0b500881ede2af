import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AdapterInstaller,
  createAdapterFolders,
  createAdapterInstaller,
  createPackageLoader,
  type PackageLoader,
  packageFolder,
  parsePackageSpec,
  systemClock,
} from '@runbeat/adapter-host';
import { ownIdentity, processLife } from '@runbeat/adapter-sdk/processes';
import { runnerError } from '../runner-error.js';
import { holdingChangeLock } from './change-lock.js';
import { type InstalledAdapter, readInstalledList, writeInstalledList } from './installed-list.js';

/** Longer than any change holds the lock: loading a package and asking it the first questions is bounded by 40 s. */
const LOCK_LIMIT_MS = 120_000;

/** `<home>/adapters`: the list of what is installed, and the packages. Used by the runner and by the commands. */
export interface AdapterHome {
  readonly folder: string;
  readonly installer: AdapterInstaller;
  readonly loader: PackageLoader;
  list(): Promise<readonly InstalledAdapter[]>;
  /**
   * Reads the list, lets `plan` do what goes with it and writes what comes back, all under the one lock of this home.
   * Whoever calls it from `plan` again waits for itself.
   */
  change<T>(
    plan: (before: readonly InstalledAdapter[]) => Promise<{ readonly after: readonly InstalledAdapter[]; readonly result: T }>,
  ): Promise<T>;
  /** Deletes packages that neither the list nor `inUse` (their folders) names: what was replaced, or cut off half-way. */
  removeUnused(inUse: ReadonlySet<string>): Promise<void>;
}

export interface AdapterHomeOptions {
  readonly home: string;
  /** Of the process: npm and workers get of it what they need, workers also what their entry names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends waits for the lock. */
  readonly signal?: AbortSignal | undefined;
  /** What workers write to stdout and stderr. */
  onOutput(packageName: string, stream: 'stdout' | 'stderr', text: string): void;
}

export async function openAdapterHome(options: AdapterHomeOptions): Promise<AdapterHome> {
  const folder = join(options.home, 'adapters');
  const staging = join(folder, '.staging');
  await mkdir(staging, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw runnerError('runner_home_unusable', `The folder ${folder} cannot be made: ${String(cause)}`, { cause });
  });
  await clearDeadStaging(staging);
  const folders = createAdapterFolders(folder, join(staging, stagingName()));
  const lifter = packageFolder('@runbeat/adapter-paperclip', import.meta.url);
  const installer = createAdapterInstaller(folders, options.environment);

  const change: AdapterHome['change'] = (plan) =>
    holdingChangeLock(folder, { limitMs: LOCK_LIMIT_MS, signal: options.signal }, async () => {
      const before = await readInstalledList(folder);
      const { after, result } = await plan(before);
      if (after !== before) await writeInstalledList(folder, after);
      return result;
    });

  return {
    folder,
    installer,
    loader: createPackageLoader({
      environment: options.environment,
      lifters: lifter === null ? [] : [lifter],
      clock: systemClock,
      onOutput: options.onOutput,
    }),
    list: () => readInstalledList(folder),
    change,
    removeUnused: (inUse) =>
      change(async (before) => {
        const kinds = before.map((entry) => ({ entry, kind: parsePackageSpec(entry.source, folder).kind }));
        const wanted = new Set(
          kinds.map(({ entry, kind }) => folders.ofVersion(entry.packageName, entry.version, entry.integrity, kind)),
        );
        const unused = (await installer.list()).filter((one) => !wanted.has(one.folder) && !inUse.has(one.folder));
        for (const one of unused) await installer.remove(one.folder);
        return { after: before, result: undefined };
      }),
  };
}

/** Two commands install side by side: each process stages in a folder that names it. */
function stagingName(): string {
  const { pid, startTicks, bootId } = ownIdentity();
  return `${pid}_${startTicks ?? ''}_${bootId}`;
}

async function clearDeadStaging(staging: string): Promise<void> {
  for (const name of await readdir(staging)) {
    const [pid = '', startTicks = '', ...rest] = name.split('_');
    const owner = { pid: Number(pid), startTicks: startTicks === '' ? null : startTicks, bootId: rest.join('_') };
    // What an interrupted npm still writes into comes back and is deleted the next time.
    if ((await processLife(owner)) === 'gone')
      await rm(join(staging, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
