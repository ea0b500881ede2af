import { createHash, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { AbortReasonV1, AdapterV1, Json, RunHandleV1, RunResultV1 } from '@runbeat/adapter-sdk';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import {
  createMemoryRunnerStore,
  createRunnerService,
  type RunnerService,
  type RunnerSettings,
  type RunnerStore,
  runnerProtocolRoutes,
  runnerRoutes,
  runnerSettingsSchema,
} from '../../../packages/server/src/runners/index.js';

/** A run as the stand-in for the supervisor keeps it: what must survive a crash of the server is in here. */
export interface LightRun {
  readonly id: string;
  readonly adapter: { readonly type: string; readonly placement: { readonly runnerLabel: string } };
  readonly config: Json;
  handle: RunHandleV1 | null;
  readonly records: { text: string; stream: string; cursor: string | null }[];
  readonly events: { type: string }[];
  readonly results: RunResultV1[];
  controller: AbortController;
  ended: Promise<RunResultV1>;
  resolveEnded: (result: RunResultV1) => void;
}

/** The server's side of the runner protocol alone, over HTTP, with a supervisor and a store that fit into a test. */
export interface LightServer {
  readonly port: number;
  readonly url: string;
  service(): RunnerService;
  readonly runs: Map<string, LightRun>;
  startRun(config: Json, options?: { readonly type?: string; readonly label?: string }): LightRun;
  cancel(run: LightRun): void;
  /** Ends like a killed process: sockets die, memory is gone, `lostRecords` of each running log were not stored yet. */
  crash(lostRecords?: number): Promise<void>;
  /** Comes up again on the same port over what was stored. */
  restart(): Promise<void>;
  /** Forgets everything that was stored, as with a new or an older database. */
  wipe(): void;
  close(): Promise<void>;
}

export const quickSettings: Partial<RunnerSettings> = {
  runnerPollWaitMs: 400,
  runnerPollGraceMs: 400,
  runnerHeartbeatMs: 150,
  runnerLeaseMs: 900,
  runnerDisconnectGraceMs: 60_000,
  runnerOfferMs: 1_500,
  runnerFinishWaitMs: 300,
};

export async function startLightServer(settings: Partial<RunnerSettings> = quickSettings): Promise<LightServer> {
  let store: RunnerStore = createMemoryRunnerStore();
  const runs = new Map<string, LightRun>();
  let port = 0;
  let app: FastifyInstance;
  let service: RunnerService;
  let isUp = false;

  async function up(): Promise<void> {
    service = createRunnerService({
      store,
      settings: runnerSettingsSchema.parse(settings),
      clock: {
        now: () => new Date(),
        monotonicMs: () => performance.now(),
        setTimer(ms, callback) {
          const timer = setTimeout(callback, ms);
          return () => clearTimeout(timer);
        },
      },
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: (fields, text) => console.error(text, fields),
      },
      metrics: { count: () => undefined, observe: () => undefined, gauge: () => undefined },
      runStatus: async (id) => {
        const run = runs.get(id);
        return run === undefined ? 'unknown' : run.results.length > 0 ? 'ended' : 'active';
      },
    });
    app = Fastify({ forceCloseConnections: true });
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    await app.register(runnerProtocolRoutes(service));
    await app.register(runnerRoutes({ service, companyOf: () => null }));
    await service.start();
    await app.listen({ port, host: '127.0.0.1' });
    port = (app.server.address() as AddressInfo).port;
    isUp = true;
    for (const run of runs.values()) if (run.results.length === 0) follow(run, run.handle !== null);
    service.onChange(() => {
      for (const run of runs.values()) if (run.handle === null && run.results.length === 0) follow(run, false);
    });
  }

  const following = new Set<string>();

  function follow(run: LightRun, isReattached: boolean): void {
    if (following.has(run.id)) return;
    const lookup = service.find(run.adapter.type, run.adapter.placement, isReattached ? 'recover' : 'start');
    if (!lookup.found) return;
    const adapter: AdapterV1 = lookup.adapter;
    const own = service;
    following.add(run.id);
    run.controller = new AbortController();
    const guard = async <T>(work: () => T): Promise<T> => {
      // A crashed server stores nothing any more.
      if (own !== service || !isUp) throw new Error('this server is dead');
      return work();
    };
    const shared = {
      runId: run.id,
      attempt: 1,
      config: run.config,
      agent: { id: 'agent', companyId: '0198b2a0-0000-7000-8000-000000000001', name: 'agent', role: 'worker' },
      input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
      environment: {},
      signal: run.controller.signal,
      onLog: (stream: string, text: string, mark?: { cursor?: string }) =>
        guard(() => void run.records.push({ stream, text, cursor: mark?.cursor ?? null })),
      onAlive: async () => undefined,
      onEvent: (event: { type: string }) => guard(() => void run.events.push(event)),
    };
    const call =
      isReattached && adapter.hasOutOfProcessLiveness && adapter.outOfProcess.kind === 'handle' && run.handle
        ? adapter.outOfProcess.reattach({ ...shared, handle: run.handle, afterCursor: run.records.at(-1)?.cursor ?? null })
        : adapter.execute({
            ...shared,
            previousSession: null,
            onSpawn: (handle) =>
              guard(() => {
                run.handle = handle;
              }),
          });
    call
      .then((result) => {
        if (own !== service || !isUp || result.status === 'detached') return;
        run.results.push(result);
        run.resolveEnded(result);
      })
      .catch((error: unknown) => {
        if (own === service && isUp) throw error;
      })
      .finally(() => following.delete(run.id));
  }

  async function down(): Promise<void> {
    isUp = false;
    app.server.closeAllConnections();
    await service.stop();
    await app.close();
    following.clear();
    for (const run of runs.values()) run.controller.abort({ kind: 'host_shutdown' } satisfies AbortReasonV1);
  }

  await up();
  return {
    get port() {
      return port;
    },
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    service: () => service,
    runs,
    startRun(config, { type = 'scripted', label = 'test' } = {}) {
      let resolveEnded: LightRun['resolveEnded'] = () => undefined;
      const ended = new Promise<RunResultV1>((resolve) => {
        resolveEnded = resolve;
      });
      const run: LightRun = {
        id: randomUUID(),
        adapter: { type, placement: { runnerLabel: label } },
        config,
        handle: null,
        records: [],
        events: [],
        results: [],
        controller: new AbortController(),
        ended,
        resolveEnded,
      };
      runs.set(run.id, run);
      if (isUp) follow(run, false);
      return run;
    },
    cancel: (run) => run.controller.abort({ kind: 'cancelled' } satisfies AbortReasonV1),
    async crash(lostRecords = 0) {
      await down();
      for (const run of runs.values()) if (run.results.length === 0 && lostRecords > 0) run.records.splice(-lostRecords);
    },
    restart: up,
    wipe() {
      store = createMemoryRunnerStore();
    },
    close: down,
  };
}

export const textOf = (run: LightRun): string => run.records.map((record) => record.text).join('');
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
