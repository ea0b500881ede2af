import type { Database } from '../db/index.js';
import { createPostgresRunnerStore } from '../db/runner-store.js';
import { createSessionWorkerStatus } from '../db/session-store.js';
import type { RoutePlugin } from '../http/services.js';
import {
  createRunnerService,
  jobStatusFrom,
  type RunnerService,
  type RunnerSettings,
  runnerRoutePlugin,
} from '../runners/index.js';
import type { Clock, Logger, Metrics, RunStore } from '../supervisor/ports/index.js';

/** The server's side of the runners, watching their leases. */
export async function openRunners(options: {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: RunnerSettings;
}): Promise<{ readonly service: RunnerService; readonly routes: readonly RoutePlugin[] }> {
  const { database, runStore, clock, logger, metrics, settings } = options;
  const service = createRunnerService({
    store: createPostgresRunnerStore(database),
    settings,
    clock,
    logger,
    metrics,
    runStatus: jobStatusFrom({ runStore, sessionWorkerStatus: createSessionWorkerStatus(database) }),
  });
  await service.start();
  return { service, routes: [runnerRoutePlugin(service)] };
}
