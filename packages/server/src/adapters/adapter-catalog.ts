import {
  createAdapterFolders,
  createAdapterInstaller,
  createInProcessAdapter,
  createPackageLoader,
  createRetryTimes,
} from '@runbeat/adapter-host';
import { type AdapterV1, type EnvironmentReportV1, type Json, parseAdapterConfig } from '@runbeat/adapter-sdk';
import type { Adapter } from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import type { AdapterCatalog, AdapterLookup, Clock, Logger } from '../supervisor/ports/index.js';
import { createAdapterSlot } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';
import { createPackageChanges, type PackageChanges } from './change-packages.js';
import { followRows } from './follow-rows.js';
import type { InstalledAdapterStore } from './installed-adapter-store.js';
import { createKeyedLock } from './keyed-lock.js';
import { type ConfiguredAdapter, loadConfigured } from './load-configured.js';
import { paperclipLifters } from './paperclip-lifter.js';
import { createSlotRegistry } from './slot-registry.js';

/** Other instances' changes are looked for this often, where the store cannot tell of them. In ms. */
const FOLLOW_INTERVAL_MS = 30_000;

export interface AdapterCatalogOptions {
  /** `<home>/adapters`; made when it is missing. */
  readonly adaptersFolder: string;
  /** Adapters of this process: the built-in ones, and those of the program that embeds the server. */
  readonly embedded: readonly { readonly adapter: AdapterV1; readonly source: 'built-in' | 'code'; readonly version?: string }[];
  /** The `adapters` of the server settings. */
  readonly configured: readonly ConfiguredAdapter[];
  readonly store: InstalledAdapterStore;
  readonly isInstallScriptsAllowed: boolean;
  /** Where relative paths in settings and requests start; absent = the current folder. */
  readonly baseFolder?: string;
  /** The server's environment: npm and workers get of it what they need and what settings name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs of a type that have not ended, on all instances; absent = those of this process alone. */
  readonly countActiveRuns?: (type: string) => Promise<number>;
  /** Answers for runs that are placed elsewhere (runners); absent = there is no such place. */
  readonly findPlaced?: AdapterCatalog['find'];
}

/** The adapters of this instance: what the supervisor finds, what operators see and change. */
export interface ServerAdapterCatalog extends AdapterCatalog, PackageChanges {
  /**
   * Load what is on the disk and start following the rows. Resolves when each adapter was tried once; one that fails is
   * shown with its error and never stops the server.
   */
  start(): Promise<void>;
  list(): Promise<readonly Adapter[]>;
  get(type: string): Promise<Adapter | null>;
  test(type: string, adapterConfig: Json, signal: AbortSignal): Promise<EnvironmentReportV1>;
  /** One look at the rows, and another try for what failed and is due. */
  followOnce(): Promise<void>;
  /** End all workers. Runs that are attached to them reject; drain first if they should not. */
  close(): Promise<void>;
}

export function createAdapterCatalog(options: AdapterCatalogOptions): ServerAdapterCatalog {
  const { clock, logger, store } = options;
  const registry = createSlotRegistry();
  const listeners = new Set<() => void>();
  const background = new Set<Promise<unknown>>();
  const closing = new AbortController();
  const retries = createRetryTimes(clock);
  let cancelFollow = (): void => {};
  let stopListening = (): void => {};
  /** One look at a time; a change that comes while one goes on asks for another one after it. */
  let following: Promise<void> = Promise.resolve();

  const context: CatalogContext = {
    registry,
    store,
    installer: createAdapterInstaller(createAdapterFolders(options.adaptersFolder), options.environment),
    loader: createPackageLoader({
      environment: options.environment,
      lifters: paperclipLifters(),
      clock,
      onOutput: (adapter, stream, text) => logger.info({ adapter, stream }, text),
    }),
    clock,
    logger,
    lock: createKeyedLock(),
    baseFolder: options.baseFolder ?? process.cwd(),
    isInstallScriptsAllowed: options.isInstallScriptsAllowed,
    countActiveRuns: options.countActiveRuns ?? (async (type) => registry.find(type)?.runningRuns ?? 0),
    changed() {
      for (const listener of [...listeners]) listener();
    },
    track(what, work) {
      const tracked = work
        .catch((error: unknown) => logger.error({ err: error }, what))
        .finally(() => background.delete(tracked));
      background.add(tracked);
    },
    closing: closing.signal,
  };

  const look = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    await followRows(context, retries);
    await loadConfigured(context, options.configured, retries);
  };
  const followOnce = (): Promise<void> => {
    following = following.then(look, look);
    return following;
  };
  const followLater = (): void => {
    cancelFollow = clock.setTimer(FOLLOW_INTERVAL_MS, () => {
      context.track('The installed adapters could not be looked up', followOnce().finally(followLater));
    });
  };

  const requireAdapter = (type: string): AdapterV1 => {
    const lookup = catalog.find(type, null);
    if (lookup.found) return lookup.adapter;
    throw new ServerError(lookup.state === 'missing' ? 'adapter_missing' : 'adapter_unavailable', lookup.message);
  };

  const catalog: ServerAdapterCatalog = {
    ...createPackageChanges(context),
    async start() {
      await context.installer.clean();
      for (const { adapter, source, version } of options.embedded) {
        registry.requireFree(adapter.type, { name: source, override: false });
        const facts = { origin: { kind: 'embedded', source }, package: null, isOverride: false } as const;
        const slot = createAdapterSlot(adapter.type, facts, context.changed);
        registry.add(slot);
        await slot.fill(createInProcessAdapter(adapter, version === undefined ? {} : { version }), facts);
      }
      await followOnce();
      stopListening =
        store.onChange?.(() => context.track('The installed adapters could not be looked up', followOnce())) ?? stopListening;
      followLater();
    },
    find(type, placement, purpose): AdapterLookup {
      if (placement !== null && options.findPlaced) return options.findPlaced(type, placement, purpose);
      const slot = registry.find(type);
      if (slot && placement === null) return slot.lookup(purpose ?? 'start');
      const message = `No adapter of the type "${type}" is registered here. Add its package with \`runbeat adapters add\`; its runs wait.`;
      return { found: false, state: 'missing', code: 'adapter_missing', message };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async list() {
      return registry.all().map((slot) => slot.view());
    },
    async get(type) {
      return registry.find(type)?.view() ?? null;
    },
    async test(type, adapterConfig, signal) {
      const adapter = requireAdapter(type);
      const config = await parseAdapterConfig(adapter, adapterConfig);
      if (!config.ok) {
        const checks = config.issues.map(({ path, message }) => ({
          code: 'config_invalid',
          level: 'error' as const,
          message: path === '' ? message : `${path}: ${message}`,
        }));
        return { checks };
      }
      if (!adapter.testEnvironment) return { checks: [] };
      return await adapter.testEnvironment({ config: config.value, environment: {}, signal });
    },
    followOnce,
    async close() {
      closing.abort(new ServerError('server_closed', 'The server is closing.'));
      cancelFollow();
      stopListening();
      await following.catch(() => undefined);
      await Promise.all(registry.all().map((slot) => slot.close()));
      await Promise.all(background);
    },
  };
  return catalog;
}
