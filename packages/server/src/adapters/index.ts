export { type AdapterCatalogOptions, createAdapterCatalog, type ServerAdapterCatalog } from './adapter-catalog.js';
export type { PackageChanges } from './change-packages.js';
export { type InstallSettings, installSettingsSchema } from './install-settings.js';
export type {
  InstalledAdapter,
  InstalledAdapterChange,
  InstalledAdapterStore,
  PutOutcome,
} from './installed-adapter-store.js';
export type { ConfiguredAdapter } from './load-configured.js';
