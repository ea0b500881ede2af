import type {
  AdapterCatalog,
  Clock,
  LiveFeed,
  Logger,
  LogStore,
  Metrics,
  ProcessTable,
  RunEnvironment,
  RunStore,
  Telemetry,
} from './ports/index.js';
import type { SupervisorSettings } from './supervisor-settings.js';

/** Everything that the supervisor knows of the world. The server supplies the real ones, tests a fake clock and memory. */
export interface SupervisorDependencies {
  readonly store: RunStore;
  readonly logStore: LogStore;
  readonly adapters: AdapterCatalog;
  readonly processes: ProcessTable;
  readonly environment: RunEnvironment;
  readonly liveFeed: LiveFeed;
  readonly clock: Clock;
  readonly settings: SupervisorSettings;
  readonly telemetry: Telemetry;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The server's version, shown with the instance. */
  readonly version: string;
  /**
   * True when no other instance can use this database (the embedded one, under the home folder's lock). Then a lease that
   * ran out while the database was away endangers nobody: runs go on behind back-pressure instead of being fenced.
   * Default false.
   */
  readonly isOnlyInstance?: boolean;
  /** 0 ≤ x < 1, for jitter; default `Math.random`. */
  readonly random?: () => number;
}
