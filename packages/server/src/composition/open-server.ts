import {
  createLiveEventLog,
  createPostgresRunStore,
  ensureLocalCompany,
  findApiKeyByHash,
  listLiveRuns,
  touchApiKey,
} from '../db/index.js';
import { createPostgresSessionStore } from '../db/session-store.js';
import type { HomeFolder } from '../home/index.js';
import { wireRunSummary } from '../http/heartbeat-runs/wire-run.js';
import { createHttpServer } from '../http/http-server.js';
import { createLiveHub } from '../live/live-hub.js';
import { defaultLiveSettings } from '../live/live-settings.js';
import { createLogTopicSource } from '../live/log-topic-source.js';
import { createServerMetrics } from '../metrics/server-metrics.js';
import { createProcessTable } from '../processes/process-table.js';
import { placementFromHandle } from '../runners/index.js';
import { createAuthenticator } from '../security/authenticator.js';
import { createRunEnvironment } from '../security/run-environment.js';
import { loadRunTokenKey } from '../security/run-token-key.js';
import { createRunTokens } from '../security/run-tokens.js';
import { createSecretSource } from '../security/secret-source.js';
import { createSessionService, defaultSessionSettings } from '../sessions/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import { createSupervisor } from '../supervisor/create-supervisor.js';
import type { LiveFeed, Logger } from '../supervisor/ports/index.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { createTelemetry } from '../telemetry/http-telemetry.js';
import { openAdapters } from './adapters.js';
import type { Closers } from './closers.js';
import { createDatabaseClock } from './database-clock.js';
import { readInstallation } from './installation.js';
import { createLocalOperator } from './local-operator.js';
import { createMaintenance } from './maintenance.js';
import { openDatabase } from './open-database.js';
import { openLogStore } from './open-log-store.js';
import { readinessChecks } from './readiness.js';
import { openRunners } from './runners.js';
import type { CreateServerOptions } from './server.js';
import { removeServerFile, writeServerFile } from './server-file.js';
import { prepareSession } from './session-environment.js';
import type { DatabaseProgram } from './start-database-program.js';

export interface OpenServerOptions {
  readonly settings: ServerSettings;
  readonly adapters: CreateServerOptions['adapters'];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly version: string;
}

export interface OpenServer {
  readonly url: string;
  readonly localToken: string;
  readonly supervisor: Supervisor;
  close(): Promise<void>;
}

/** Of the time that a shutdown may take, the share that the supervisor gets; the rest is for sockets and the database. */
const supervisorShare = 0.6;

/**
 * Puts a server together on its home folder and database, up to the open door. What it opens is added to the closers,
 * which the caller runs when this rejects.
 */
export async function openServer(
  options: OpenServerOptions,
  ground: { readonly home: HomeFolder; readonly closers: Closers; readonly databaseProgram: DatabaseProgram },
): Promise<OpenServer> {
  const { settings, environment, logger, version } = options;
  const { home, closers, databaseProgram } = ground;
  const database = await openDatabase(await databaseProgram.connectionString(), settings, logger);
  closers.add('database', () => database.close());
  const runStore = createPostgresRunStore(database);
  const clock = createDatabaseClock();
  await clock.synchronise(() => runStore.databaseNow());
  if (settings.mode === 'local') await ensureLocalCompany(database, clock.now());
  const installation = await readInstallation(database, clock.now());
  const logStore = await openLogStore(settings, home, database);
  closers.add('log store', () => logStore.close());
  const metrics = createServerMetrics(logger);
  closers.add('metrics', async () => metrics.close());
  const liveEvents = createLiveEventLog({ database, logger });
  await liveEvents.start();
  closers.add('live events', () => liveEvents.stop());

  const runTokens = createRunTokens(await loadRunTokenKey(home.path));
  const secrets = createSecretSource(settings.secretsFile ?? null, environment);
  let url = '';
  const runEnvironment = createRunEnvironment({ runTokens, secrets, apiUrl: () => settings.publicUrl ?? url });
  const runners = await openRunners({ database, runStore, clock, logger, metrics, settings });
  closers.add('runners', () => runners.service.stop());
  const adapters = await openAdapters({
    settings,
    home,
    database,
    inCode: typeof options.adapters === 'function' ? options.adapters(installation) : options.adapters,
    environment,
    runners: runners.service,
    logger,
    clock,
  });
  closers.add('adapters', () => adapters.close());

  const liveHub = createLiveHub({
    // Connections are taken after the supervisor exists.
    instanceId: () => supervisor.instanceId(),
    settings: defaultLiveSettings,
    clock,
    logger,
    metrics,
    events: liveEvents,
    logs: createLogTopicSource({ logStore, runStore }),
    liveRuns: async (companyId) => (await listLiveRuns(database.executor, { companyId }, 200)).items.map(wireRunSummary),
  });
  // The hub hears of events when they are numbered; numbering them is what a commit asks for.
  const liveFeed: LiveFeed = { ...liveHub, eventsCommitted: (companyId) => liveEvents.eventsCommitted(companyId) };
  const supervisor = createSupervisor({
    store: runStore,
    logStore,
    adapters,
    processes: await createProcessTable(),
    environment: runEnvironment,
    liveFeed,
    clock,
    settings: { ...settings.supervisor, shutdownGraceMs: Math.ceil(settings.supervisor.shutdownGraceMs * supervisorShare) },
    telemetry: createTelemetry({ isOn: settings.isTelemetryOn, url: settings.telemetryUrl, environment, logger }),
    metrics,
    logger,
    version,
    isOnlyInstance: databaseProgram.isEmbedded,
  });
  const sessions = createSessionService({
    store: createPostgresSessionStore(database),
    adapters,
    instanceId: () => supervisor.instanceId(),
    placeOf: placementFromHandle,
    getAgent: (id) => runStore.getAgent(id),
    prepare: prepareSession({ secrets, apiUrl: () => settings.publicUrl ?? url }),
    clock,
    logger,
    metrics,
    settings: defaultSessionSettings,
  });
  const localOperator = createLocalOperator();
  const authenticator = createAuthenticator({
    mode: settings.mode,
    clock,
    logger,
    runTokens,
    getRun: (id) => runStore.getRun(id),
    findApiKeyByHash: (hash) => findApiKeyByHash(database.executor, hash),
    markApiKeyUsed: (id, now) => touchApiKey(database.executor, id, now),
    verifiers: [localOperator.verifier],
  });
  const http = await createHttpServer(
    {
      instance: { id: () => supervisor.instanceId(), version },
      supervisor,
      runStore,
      logStore,
      database,
      adapterCatalog: adapters,
      adapters,
      sessions,
      liveHub,
      liveFeed,
      authenticator,
      secrets,
      agentMaxConcurrentRuns: settings.supervisor.agentMaxConcurrentRuns,
      metrics,
      readiness: readinessChecks({ database, supervisor }),
      clock,
      logger,
    },
    {
      mode: settings.mode,
      allowedHosts: [...settings.allowedHosts, ...(settings.publicUrl ? [new URL(settings.publicUrl).host] : [])],
      bodyLimitBytes: settings.bodyLimitBytes,
      rateLimitPerMinute: settings.rateLimitPerMinute,
    },
    runners.routes,
  );
  closers.add('http', () => http.close());
  ({ url } = await http.listen({ host: settings.host, port: settings.port }));
  // From here on the supervisor may hand out our address.
  await supervisor.start();
  closers.add('supervisor', () => supervisor.stop());
  await sessions.start();
  closers.add('sessions', () => sessions.stopAll());
  const maintenance = createMaintenance({ database, runStore, logStore, liveEvents, settings, clock, logger });
  maintenance.start();
  closers.add('maintenance', () => maintenance.stop());
  await writeServerFile(home.path, { url, pid: process.pid, instanceId: supervisor.instanceId(), token: localOperator.token });
  closers.add('server file', () => removeServerFile(home.path, process.pid));
  logger.info({ url, home: home.path, mode: settings.mode, version }, 'the server is ready');
  return { url, localToken: localOperator.token, supervisor, close: () => closers.closeAll() };
}
