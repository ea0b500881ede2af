import { resolve } from 'node:path';
import { fitsSpec, parsePackageSpec } from '@runbeat/adapter-host';
import { findHomeHolder } from '../home/home-lock.js';
import { runnerError } from '../runner-error.js';
import { type AdapterHome, openAdapterHome } from './adapter-home.js';
import { installAdapter } from './install-adapter.js';
import type { InstalledAdapter } from './installed-list.js';
import { type InstalledAdapterListing, listAdapters } from './list-adapters.js';
import { removeAdapter } from './remove-adapter.js';
import { typesAtWork } from './types-at-work.js';

/** The adapters of a runner's home, for commands and programs on its machine, whether or not the runner works meanwhile. */
export interface InstalledAdapters {
  /** Rejects with a code and changes nothing when the package cannot be had or loaded, or its type is taken. */
  install(spec: string, options?: InstallAdapterOptions): Promise<InstalledAdapterListing>;
  /** As `install`, unless something that is installed fits the spec: null then. */
  installMissing(spec: string, options?: InstallAdapterOptions): Promise<InstalledAdapterListing | null>;
  /** `leaving` = it takes no new work and goes with its last job. Rejects with `runner_adapter_not_installed`. */
  remove(adapterType: string): Promise<'removed' | 'leaving'>;
  list(): Promise<readonly InstalledAdapterListing[]>;
}

export interface InstallAdapterOptions {
  /** npm may run install scripts. Default false. */
  readonly allowScripts?: boolean;
  /** Variables of the runner's environment that the adapter's worker may see; absent = as before, or none. */
  readonly environment?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface InstalledAdaptersOptions {
  /** The runner's home folder; made when it is missing. */
  readonly home: string;
  /** Types of the adapters that the runner is given in code; no package may take one. */
  readonly reservedTypes?: readonly string[];
  /** For npm and the packages' workers; default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where relative paths in specs start; default: the current folder. */
  readonly baseFolder?: string;
  /** What packages write while they are tried; default: it is dropped. */
  onOutput?(packageName: string, stream: 'stdout' | 'stderr', text: string): void;
}

export function createInstalledAdapters(options: InstalledAdaptersOptions): InstalledAdapters {
  const home = resolve(options.home);
  const baseFolder = options.baseFolder ?? process.cwd();
  /** A disk that is full or may not be written is told as such, not as a bug. */
  const using = async <T>(work: (adapters: AdapterHome) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      const onOutput = options.onOutput ?? (() => undefined);
      const environment = options.environment ?? process.env;
      return await work(await openAdapterHome({ home, environment, onOutput, signal }));
    } catch (cause) {
      if (!isSystemError(cause)) throw cause;
      throw runnerError('runner_home_unusable', `The adapters in ${home} cannot be read or changed: ${cause.message}`, { cause });
    }
  };
  const listingsOf = async (adapters: AdapterHome, entries: readonly InstalledAdapter[]) =>
    listAdapters({ adapters, home, entries, runnerPid: await findHomeHolder(home) });

  const install = async (
    adapters: AdapterHome,
    spec: string,
    { allowScripts = false, environment, signal }: InstallAdapterOptions = {},
  ): Promise<InstalledAdapterListing> => {
    const entry = await installAdapter(adapters, {
      spec,
      baseFolder,
      allowScripts,
      reservedTypes: new Set(options.reservedTypes ?? []),
      ...(environment ? { environment } : {}),
      ...(signal ? { signal } : {}),
    });
    // A runner's process deletes the version before itself, when its last job has ended.
    if ((await findHomeHolder(home)) === null) await adapters.removeUnused(new Set());
    const [listing] = await listingsOf(adapters, [entry]);
    return listing as InstalledAdapterListing;
  };

  return {
    install: (spec, installOptions) => using((adapters) => install(adapters, spec, installOptions), installOptions?.signal),
    installMissing: (spec, installOptions) =>
      using(async (adapters) => {
        const parsed = parsePackageSpec(spec, baseFolder);
        const staying = (await adapters.list()).filter((entry) => entry.removalRequestedAt === null);
        return staying.some((entry) => fitsSpec(parsed, entry)) ? null : await install(adapters, spec, installOptions);
      }, installOptions?.signal),
    remove: (adapterType) =>
      using(async (adapters) => {
        const isRunnerAlive = (await findHomeHolder(home)) !== null;
        return await removeAdapter(adapters, { adapterType, isRunnerAlive, typesAtWork: await typesAtWork(home) });
      }),
    list: () => using(async (adapters) => listingsOf(adapters, await adapters.list())),
  };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'syscall' in error;
}
