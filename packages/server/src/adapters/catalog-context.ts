import type { AdapterInstaller, PackageLoader } from '@runbeat/adapter-host';
import type { Clock, Logger } from '../supervisor/ports/index.js';
import type { InstalledAdapterStore } from './installed-adapter-store.js';
import type { KeyedLock } from './keyed-lock.js';
import type { SlotRegistry } from './slot-registry.js';

/** What the parts of the catalogue share. Made once by `createAdapterCatalog`. */
export interface CatalogContext {
  readonly registry: SlotRegistry;
  readonly store: InstalledAdapterStore;
  readonly installer: AdapterInstaller;
  readonly loader: PackageLoader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By package name: whoever changes what runs of a package holds it. */
  readonly lock: KeyedLock;
  /** Where relative paths in specs start. */
  readonly baseFolder: string;
  /** The operator's word on install scripts; a request can ask for them only where this allows it. */
  readonly isInstallScriptsAllowed: boolean;
  /** Runs of the type that have not ended, on all instances, also those that nobody watches at the moment. */
  countActiveRuns(type: string): Promise<number>;
  /** Tell listeners that what `find` and `list` answer may have changed. */
  changed(): void;
  /** Background work that `close` awaits or ends. Failures are logged. */
  track(what: string, work: Promise<unknown>): void;
  /** Aborts when the catalogue is closed. */
  readonly closing: AbortSignal;
}
