import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Company,
  createCompany,
  ensureLocalCompany,
  findApiKeyByHash,
  insertApiKey,
  listLiveRuns,
  touchApiKey,
} from '../../../src/db/index.js';
import { createLiveEventLog } from '../../../src/db/live-events/index.js';
import { createPostgresRunStore } from '../../../src/db/run-store/index.js';
import { wireRunSummary } from '../../../src/http/heartbeat-runs/wire-run.js';
import { createHttpServer, type HttpServer } from '../../../src/http/http-server.js';
import type { HttpSettings, ServerServices } from '../../../src/http/services.js';
import { createLiveHub } from '../../../src/live/live-hub.js';
import { defaultLiveSettings, type LiveSettings } from '../../../src/live/live-settings.js';
import { createLogTopicSource } from '../../../src/live/log-topic-source.js';
import { createFsLogStore } from '../../../src/log-stores/index.js';
import { createServerMetrics } from '../../../src/metrics/server-metrics.js';
import { createApiKeySecret } from '../../../src/security/api-key-secret.js';
import { createAuthenticator } from '../../../src/security/authenticator.js';
import { createRunEnvironment } from '../../../src/security/run-environment.js';
import { loadRunTokenKey } from '../../../src/security/run-token-key.js';
import { createRunTokens } from '../../../src/security/run-tokens.js';
import { createSecretSource } from '../../../src/security/secret-source.js';
import { createSupervisor } from '../../../src/supervisor/create-supervisor.js';
import { type AgentId, createId, type InstanceId } from '../../../src/supervisor/model/index.js';
import { type Logger, type LogStore, noTelemetry } from '../../../src/supervisor/ports/index.js';
import { supervisorSettingsSchema } from '../../../src/supervisor/supervisor-settings.js';
import { createTestDatabase, type TestDatabase } from '../../database/test-database.js';
import { createRecordingLogger, type RecordingLogger } from './recording-logger.js';
import { systemClock } from './system-clock.js';
import { createToldAdapter, type ToldAdapter } from './told-adapter.js';

export interface TestServerOptions {
  readonly mode?: 'local' | 'token';
  readonly http?: Partial<HttpSettings>;
  readonly live?: Partial<LiveSettings>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of an earlier server, which keeps it. */
  readonly database?: TestDatabase;
  readonly logStore?: LogStore;
  readonly home?: string;
  readonly port?: number;
  readonly logger?: Logger;
}

/** A whole server in this process, on a database of its own, with the real supervisor and an adapter that is told what to do. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly home: string;
  readonly http: HttpServer;
  readonly services: ServerServices;
  readonly database: TestDatabase;
  readonly told: ToldAdapter;
  readonly log: RecordingLogger;
  /** The company `local`. */
  readonly company: Company;
  createCompany(name: string): Promise<Company>;
  /** An API key, as it is sent. */
  createKey(scope: 'operator' | 'company' | 'agent' | 'runner', companyId?: Company['id'], agentId?: AgentId): Promise<string>;
  /** `fetch` below `url`; JSON bodies and answers. */
  call(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** Stops it and keeps database, log store and home for a successor. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came.
  readonly body: any;
  readonly text: string;
}

export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createTestDatabase());
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'runbeat-http-')));
  const log = createRecordingLogger();
  const logger = options.logger ?? log;
  const mode = options.mode ?? 'local';
  const runStore = createPostgresRunStore(database);
  const logStore = options.logStore ?? createFsLogStore({ folder: join(home, 'logs') });
  const events = createLiveEventLog({ database, logger });
  const metrics = createServerMetrics(logger);
  const told = createToldAdapter();
  const secrets = createSecretSource(null, options.environment ?? {});
  const runTokens = createRunTokens(await loadRunTokenKey(home));
  const instanceId = createId<InstanceId>();
  const adapterCatalog: ServerServices['adapterCatalog'] = {
    find: (type) =>
      type === 'told'
        ? { found: true, adapter: told.adapter, version: null }
        : { found: false, state: 'missing', code: 'adapter_missing', message: `No adapter ${type}.` },
    onChange: () => () => undefined,
  };
  const liveHub = createLiveHub({
    instanceId: () => instanceId,
    settings: { ...defaultLiveSettings, ...options.live },
    clock: systemClock,
    logger,
    metrics,
    events,
    logs: createLogTopicSource({ logStore, runStore }),
    liveRuns: async (companyId) => (await listLiveRuns(database.executor, { companyId }, 200)).items.map(wireRunSummary),
  });
  let url = '';
  const supervisor = createSupervisor({
    store: runStore,
    logStore,
    adapters: adapterCatalog,
    processes: {
      inspect: () => Promise.resolve({ state: 'unknown', message: 'not looked at in tests' }),
      terminate: () => Promise.resolve('already_gone'),
      isInstanceAlive: () => Promise.resolve(false),
      self: { host: hostname(), pid: process.pid, hostBootId: 'test', processStartTicks: null },
    },
    environment: createRunEnvironment({ runTokens, secrets, apiUrl: () => url }),
    liveFeed: liveHub,
    clock: systemClock,
    settings: supervisorSettingsSchema.parse({ claimIntervalMs: 50 }),
    telemetry: noTelemetry,
    metrics,
    logger,
    version: 'test',
    isOnlyInstance: true,
  });
  const services: ServerServices = {
    instance: { id: () => instanceId, version: 'test' },
    supervisor,
    runStore,
    logStore,
    database,
    adapterCatalog,
    adapters: createNoAdministration(),
    sessions: createNoSessions(),
    liveHub,
    liveFeed: liveHub,
    authenticator: createAuthenticator({
      mode,
      clock: systemClock,
      logger,
      runTokens,
      getRun: (id) => runStore.getRun(id),
      findApiKeyByHash: (hash) => findApiKeyByHash(database.executor, hash),
      markApiKeyUsed: (id, now) => touchApiKey(database.executor, id, now),
      verifiers: [],
    }),
    secrets,
    agentMaxConcurrentRuns: 5,
    metrics,
    readiness: [{ name: 'database', run: async () => `${(await runStore.databaseNow()).toISOString()}` }],
    clock: systemClock,
    logger,
  };
  const http = await createHttpServer(services, {
    mode,
    allowedHosts: [],
    bodyLimitBytes: 1_048_576,
    rateLimitPerMinute: 1_000_000,
    ...options.http,
  });
  const address = await http.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  url = address.url;
  await events.start();
  await supervisor.start();
  const company = await ensureLocalCompany(database, new Date());

  const stop = async (): Promise<void> => {
    await http.close();
    await supervisor.stop();
    await events.stop();
    metrics.close();
  };
  return {
    url,
    port: address.port,
    home,
    http,
    services,
    database,
    told,
    log,
    company,
    createCompany: (name) => createCompany(database.executor, { name }, new Date()),
    async createKey(scope, companyId, agentId) {
      const secret = createApiKeySecret();
      await insertApiKey(
        database.executor,
        {
          name: scope,
          scope,
          companyId: companyId ?? null,
          agentId: agentId ?? null,
          runnerId: null,
          keyHash: secret.hash,
          keyPrefix: secret.prefix,
          expiresAt: null,
        },
        new Date(),
      );
      return secret.key;
    },
    async call(method, path, { body, token, headers } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson =
        /json/.test(response.headers.get('content-type') ?? '') && !/ndjson/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, text, body: isJson && text !== '' ? JSON.parse(text) : text };
    },
    stop,
    async close() {
      await stop();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Adapters are looked after elsewhere; these routes are tested with the catalogue. */
function createNoAdministration(): ServerServices['adapters'] {
  const none = () => Promise.reject(new NotHere());
  return { list: async () => [], get: async () => null, add: none, update: none, remove: none, check: none, test: none };
}

function createNoSessions(): ServerServices['sessions'] {
  const none = () => Promise.reject(new NotHere());
  return {
    create: none,
    get: async () => null,
    list: async () => ({ items: [], nextCursor: null }),
    message: none,
    getPrompt: async () => null,
    cancel: none,
    answer: none,
    restart: none,
    stop: none,
    readJournal: async () => [],
    follow: () => () => undefined,
    runOnce: async () => 0,
    start: async () => undefined,
    stopAll: async () => undefined,
  } as unknown as ServerServices['sessions'];
}

class NotHere extends Error {
  readonly code = 'adapter_not_found';
}
