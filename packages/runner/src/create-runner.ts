import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { LoadedAdapter } from '@runbeat/adapter-host';
import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { thisMachine } from '@runbeat/adapter-sdk/processes';
import type { RunnerClientHealth, RunnerHealth } from '@runbeat/protocol';
import { openAdapterHome } from './adapters/adapter-home.js';
import { type AdapterFollower, createAdapterFollower } from './adapters/follow-adapters.js';
import { type ConnectionLoop, createConnectionLoop } from './connection/connection-loop.js';
import { createJobLink } from './connection/create-job-link.js';
import { createRunnerCalls } from './connection/runner-calls.js';
import { createRunnerPeer } from './connection/runner-peer.js';
import { createAdapterSet } from './execution/adapter-set.js';
import { clientHealthFrom } from './health/client-health.js';
import { type LocalHealth, openLocalHealth } from './health/local-health.js';
import { runnerHealthFrom } from './health/runner-health.js';
import { lockHome } from './home/home-lock.js';
import { loadIdentity } from './home/identity.js';
import { openJobFiles } from './jobs/job-files.js';
import { createJobTable, type JobTable } from './jobs/job-table.js';
import { type RunnerClock, systemRunnerClock } from './runner-clock.js';
import { runnerError } from './runner-error.js';
import { noRunnerLogger, type RunnerLogger } from './runner-logger.js';
import { type RunnerClientSettings, runnerClientSettingsSchema } from './runner-settings.js';
import { createRunnerTransport } from './transport/runner-transport.js';
import { runnerVersion } from './version.js';

export interface RunnerOptions {
  /** `https://runbeat.example.com`, with a path where the server is mounted below one. */
  readonly serverUrl: string;
  /** API key of scope `runner` (or `operator`) with which it registers; needed once per home. Absent = a server in mode `local`. */
  readonly token?: string;
  /** Folder of this runner alone: identity, jobs, logs that are not delivered. Made when it is missing. */
  readonly home: string;
  /** What can run here: objects, or what `loadAdapter` gave. What is installed in the home comes on top, see `createInstalledAdapters`. */
  readonly adapters: readonly (AdapterV1 | LoadedAdapter)[];
  /** Runs at once. Default 4. */
  readonly slots?: number;
  /** Agents may name one of these as their place of execution. */
  readonly labels?: readonly string[];
  /** For lists. Default the host's name. */
  readonly name?: string;
  /** When there was no contact for longer than lease and grace: `stop` ends the work, `keep` goes on. Default `stop`. */
  readonly onDisconnect?: 'stop' | 'keep';
  /** Loopback port for `/health` and `/metrics`, 0 = any. Absent = `health.json` in the home folder only. */
  readonly healthPort?: number;
  readonly logger?: RunnerLogger;
  readonly settings?: Partial<RunnerClientSettings>;
  readonly clock?: RunnerClock;
}

/** A runner of this process. Made by `createRunner`; `runbeat runner` is a thin command over it. */
export interface Runner {
  /** Takes the home folder and begins to connect. Rejects with `runner_home_locked` or `runner_home_unusable`. */
  start(): Promise<void>;
  /**
   * Takes no new work, leaves running work to the next process where its adapter can do that (others are stopped),
   * delivers what is finished, and ends within `stopGraceMs`. Idempotent.
   */
  stop(): Promise<void>;
  /** As `health.json` and `/health` show it. */
  health(): RunnerHealth;
  /** The port of `/health`; null = none. */
  readonly healthPort: number | null;
  /**
   * Replaces the adapters that were given with `adapters`; running jobs keep theirs. The server is told at once, and again
   * with each heartbeat until it has heard.
   */
  setAdapters(adapters: readonly (AdapterV1 | LoadedAdapter)[]): void;
}

export function createRunner(options: RunnerOptions): Runner {
  const parsed = runnerClientSettingsSchema.safeParse(options.settings ?? {});
  if (!parsed.success) throw runnerError('runner_settings_invalid', `The settings cannot be used: ${parsed.error.message}`);
  if (!/^https?:\/\//.test(options.serverUrl)) {
    throw runnerError('runner_settings_invalid', `${options.serverUrl} is no server URL. It begins with http:// or https://.`);
  }
  const settings = parsed.data;
  const clock = options.clock ?? systemRunnerClock;
  const logger = options.logger ?? noRunnerLogger;
  const adapters = createAdapterSet(options.adapters);
  const home = resolve(options.home);
  const slots = options.slots ?? 4;
  const name = options.name ?? hostname();
  const labels = [...(options.labels ?? [])];
  let running: Running | null = null;
  let starting: Promise<Running> | null = null;
  let stopping: Promise<void> | null = null;

  interface Running {
    readonly loop: ConnectionLoop;
    readonly jobs: JobTable;
    readonly local: LocalHealth;
    readonly installed: AdapterFollower;
    readonly runnerId: () => string | null;
    readonly claims: { atMs: number | null; result: string | null };
    end(): Promise<void>;
  }

  function clientHealth(from: Pick<Running, 'loop' | 'jobs' | 'claims' | 'installed'>): RunnerClientHealth {
    return clientHealthFrom({
      connection: from.loop.state(),
      nowMs: clock.now().getTime(),
      lastContactAtMs: from.loop.lastContactAtMs(),
      lastClaimAtMs: from.claims.atMs,
      lastClaimResult: from.claims.result,
      adapterIssues: from.installed.issues(),
      ...from.jobs.undelivered(),
    });
  }

  async function open(): Promise<Running> {
    await mkdir(home, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw runnerError('runner_home_unusable', `The home folder ${home} cannot be made: ${String(error)}`, { cause: error });
    });
    const lock = await lockHome(home);
    let closeAdapters = async (): Promise<void> => {};
    try {
      const identity = await loadIdentity(home);
      const transport = createRunnerTransport({ serverUrl: options.serverUrl, connectTimeoutMs: settings.connectTimeoutMs });
      const calls = createRunnerCalls(transport, identity.token);
      const claims: Running['claims'] = { atMs: null, result: null };
      const closing = new AbortController();
      const installed = createAdapterFollower({
        home,
        closing,
        adapters: await openAdapterHome({
          home,
          signal: closing.signal,
          environment: process.env,
          onOutput: (packageName, stream, text) => logger.info({ packageName, stream }, text),
        }),
        reservedTypes: adapters.given,
        settings,
        clock,
        logger,
        onChange() {
          adapters.replaceInstalled(installed.offered(), installed.retired());
          loop.hurryHeartbeat();
          local.changed();
        },
      });
      closeAdapters = () => installed.close();
      const peer = createRunnerPeer({
        calls,
        home,
        identity,
        serverUrl: options.serverUrl,
        registrationToken: options.token ?? '',
        instanceId: randomUUID(),
        bootId: thisMachine().bootId,
        profile: () => ({ name, labels, slots, version: runnerVersion, adapters: adapters.list() }),
        requestGraceMs: settings.requestGraceMs,
        stopGraceMs: settings.stopGraceMs,
        clock,
        logger,
        transport,
        jobs: () => jobs,
        isConnected: () => loop.state().session !== null,
        client: () => clientHealth({ loop, jobs, claims, installed }),
        onChange: () => local.changed(),
        onDisconnectedTooLong: () => {
          logger.warn({ policy: options.onDisconnect ?? 'stop' }, 'no contact for longer than lease and grace');
          if ((options.onDisconnect ?? 'stop') === 'stop') jobs.disconnectedTooLong();
        },
      });
      const loop = createConnectionLoop({ peer, clock, logger, settings });
      const jobs = createJobTable({
        files: await openJobFiles(home),
        link: createJobLink({ loop: () => loop, calls, deadlineMs: settings.requestGraceMs, runnerId: peer.runnerId }),
        clock,
        logger,
        settings,
        slots,
        serverUrl: options.serverUrl,
        place: `runner ${name} (${hostname()})`,
        findAdapter: adapters.find,
        disconnectGraceMs: () => loop.state().session?.disconnectGraceMs ?? null,
        onClaimAnswer: (result) => {
          claims.atMs = clock.now().getTime();
          claims.result = result;
        },
      });
      const local = await openLocalHealth({
        home,
        port: options.healthPort ?? null,
        everyMs: settings.healthWriteMs,
        clock,
        logger,
        health: () => healthOf({ loop, jobs, claims, installed, runnerId: peer.runnerId }),
      });
      // First the adapters: a job that is taken up again looks for its own.
      await installed.start();
      await jobs.recover();
      loop.start();
      return {
        loop,
        jobs,
        local,
        installed,
        claims,
        runnerId: peer.runnerId,
        async end() {
          await loop.stop();
          await jobs.close();
          await closeAdapters();
          await transport.close();
          await local.close();
          await lock.release();
        },
      };
    } catch (error) {
      await closeAdapters();
      await lock.release();
      throw error;
    }
  }

  function healthOf(from: Pick<Running, 'loop' | 'jobs' | 'claims' | 'installed' | 'runnerId'> | null): RunnerHealth {
    return runnerHealthFrom({
      runnerId: from?.runnerId() ?? null,
      profile: { name, labels, slots, adapters: adapters.list() },
      client: from === null ? null : clientHealth(from),
      session: from?.loop.state().session ?? null,
      jobs: from?.jobs.reports() ?? [],
      nowMs: clock.now().getTime(),
      pollGraceMs: settings.requestGraceMs,
    });
  }

  return {
    async start() {
      starting ??= open();
      try {
        running = await starting;
      } catch (error) {
        starting = null;
        throw error;
      }
    },
    stop() {
      stopping ??= (async () => {
        const started = starting === null ? null : await starting.catch(() => null);
        await started?.end();
      })();
      return stopping;
    },
    health: () => healthOf(running),
    get healthPort() {
      return running?.local.port ?? null;
    },
    setAdapters(next) {
      adapters.replaceGiven(next);
      running?.loop.hurryHeartbeat();
      running?.local.changed();
    },
  };
}
