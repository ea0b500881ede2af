import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { createAdapterCatalog, installSettingsSchema, type ServerAdapterCatalog } from '../adapters/index.js';
import { countRunningByAdapterType, type Database } from '../db/index.js';
import { createPostgresInstalledAdapterStore } from '../db/installed-adapter-store.js';
import type { HomeFolder } from '../home/index.js';
import type { RunnerService } from '../runners/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { Clock, Logger } from '../supervisor/ports/index.js';

/** The adapters of this server: those in code, those that the settings name, those that operators installed, runners. */
export async function openAdapters(options: {
  readonly settings: ServerSettings;
  readonly home: HomeFolder;
  readonly database: Database;
  readonly inCode: readonly AdapterV1[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly runners: RunnerService;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<ServerAdapterCatalog> {
  const { settings, database, runners, clock } = options;
  const catalog = createAdapterCatalog({
    adaptersFolder: options.home.adapters,
    embedded: options.inCode.map((adapter) => ({ adapter, source: 'built-in' })),
    configured: settings.adapters.map((configured) => {
      if (typeof configured === 'string') return { source: configured, settings: installSettingsSchema.parse({}) };
      const { source, ...rest } = configured;
      return { source, settings: installSettingsSchema.parse(rest) };
    }),
    store: createPostgresInstalledAdapterStore(database, () => clock.now()),
    isInstallScriptsAllowed: settings.isInstallScriptsAllowed,
    environment: options.environment,
    clock,
    logger: options.logger,
    countActiveRuns: async (type) => (await countRunningByAdapterType(database.executor)).get(type) ?? 0,
    findPlaced: (type, placement, purpose) => runners.find(type, placement, purpose),
  });
  await catalog.start();
  return {
    ...catalog,
    onChange(listener) {
      const stops = [catalog.onChange(listener), runners.onChange(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
