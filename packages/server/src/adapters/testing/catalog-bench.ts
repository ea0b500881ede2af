import { join } from 'node:path';
import { systemClock } from '@runbeat/adapter-host';
import type { AdapterV1, ExecuteContextV1, RunResultV1 } from '@runbeat/adapter-sdk';
import type { Clock, Logger } from '../../supervisor/ports/index.js';
import { type AdapterCatalogOptions, createAdapterCatalog, type ServerAdapterCatalog } from '../adapter-catalog.js';
import { createMemoryInstalledAdapterStore } from '../memory-installed-adapter-store.js';
import { temporaryFolder } from './adapter-package.js';
import { type PackageRegistry, startPackageRegistry } from './package-registry.js';

const clock: Clock = { ...systemClock, now: () => new Date() };
const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A registry, a home and the catalogues of a test; `close` ends and deletes all of it. */
export interface CatalogBench {
  readonly registry: PackageRegistry;
  readonly folder: string;
  readonly adaptersFolder: string;
  readonly store: ReturnType<typeof createMemoryInstalledAdapterStore>;
  /** A started catalogue; without options of its own each stands for the one server of this home. */
  catalog(options?: Partial<AdapterCatalogOptions>): Promise<ServerAdapterCatalog>;
  close(): Promise<void>;
}

export async function createCatalogBench(): Promise<CatalogBench> {
  const { path: folder, remove } = await temporaryFolder();
  const registry = await startPackageRegistry(folder);
  const store = createMemoryInstalledAdapterStore();
  const adaptersFolder = join(folder, 'home', 'adapters');
  const catalogs = new Set<ServerAdapterCatalog>();
  const environment = {
    ...process.env,
    npm_config_registry: registry.url,
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_fetch_retries: '0',
    SERVER_SECRET: 'do not show',
    NAMED_IN_SETTINGS: 'shown',
  };
  return {
    registry,
    folder,
    adaptersFolder,
    store,
    async catalog(options = {}) {
      const catalog = createAdapterCatalog({
        adaptersFolder,
        embedded: [],
        configured: [],
        store,
        isInstallScriptsAllowed: false,
        baseFolder: folder,
        environment,
        clock,
        logger: quiet,
        ...options,
      });
      catalogs.add(catalog);
      await catalog.start();
      return catalog;
    },
    async close() {
      await Promise.all([...catalogs].map((catalog) => catalog.close()));
      await registry.close();
      await remove();
    },
  };
}

/** The adapter that the catalogue finds; a test fails where there is none. */
export function foundAdapter(catalog: ServerAdapterCatalog, type: string): AdapterV1 {
  const lookup = catalog.find(type, null);
  if (!lookup.found) throw new TypeError(lookup.message);
  return lookup.adapter;
}

/** One run; `started` resolves with the first log. */
export function startRun(
  adapter: AdapterV1,
  config: object,
): { result: Promise<RunResultV1>; started: Promise<string>; cancel(): void } {
  const controller = new AbortController();
  let tell = (_text: string): void => {};
  const started = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const context: ExecuteContextV1 = {
    runId: 'run-1',
    attempt: 1,
    config,
    agent: { id: 'a', companyId: 'c', name: 'Ada', role: 'engineer' },
    input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
    previousSession: null,
    environment: {},
    signal: controller.signal,
    onSpawn: async () => undefined,
    onLog: async (_stream, text) => tell(text),
    onAlive: async () => undefined,
    onEvent: async () => undefined,
  };
  return { result: adapter.execute(context), started, cancel: () => controller.abort({ kind: 'cancelled' }) };
}

/** Resolves when `isTrue` holds, looked at after each change of the catalogue. */
export function changedUntil(catalog: ServerAdapterCatalog, isTrue: () => boolean): Promise<void> {
  if (isTrue()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = catalog.onChange(() => {
      if (!isTrue()) return;
      stop();
      resolve();
    });
  });
}
