import type {
  RunnerHealth,
  RunnerJobSpec,
  RunnerMessage,
  RunnerRegistration,
  RunnerSessionOpen,
  RunnerSessionOpened,
  RunnerVerdict,
} from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import { createId, createRandomId, type RunPlacement } from '../supervisor/model/index.js';
import type { AdapterLookup, Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import { answerPoll, type PollRequest } from './answer-poll.js';
import { claimJob } from './claim-job.js';
import { findRunnerAdapter } from './find-runner-adapter.js';
import { openSession } from './open-session.js';
import type { LogRange } from './plan-log-range.js';
import type { RunnerContext } from './runner-context.js';
import { createRunnerDirectory, hashRunnerToken } from './runner-directory.js';
import { publishRunnerMetrics, reportRunnerHealth } from './runner-health-report.js';
import type { RunnerRecord } from './runner-record.js';
import type { RunnerSettings } from './runner-settings.js';
import type { RunnerStore } from './runner-store.js';
import { sweepJobs } from './sweep-jobs.js';
import { type FinishAnswer, type FinishRequest, takeFinish } from './take-finish.js';
import { type HeartbeatRequest, takeHeartbeat } from './take-heartbeat.js';
import { takeLog } from './take-log.js';

export interface RunnerServiceOptions {
  readonly store: RunnerStore;
  readonly settings: RunnerSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** From the run store: `active` = queued or running. */
  runStatus(runId: string): Promise<'active' | 'ended' | 'unknown'>;
}

/** The server's side of the runners: one object per server process, used by the catalog and by the routes. */
export interface RunnerService {
  /** Reads the registered runners and begins to watch leases. */
  start(): Promise<void>;
  /** Ends held polls and the watch. The runs go on at their runners. Idempotent. */
  stop(): Promise<void>;
  /** For `AdapterCatalog.find` with a placement. */
  find(adapterType: string, placement: RunPlacement | null, purpose?: 'start' | 'recover'): AdapterLookup;
  onChange(listener: () => void): () => void;

  register(registration: RunnerRegistration, companyId: string | null): Promise<RunnerRecord>;
  list(): readonly RunnerHealth[];
  /** Rejects with `runner_unknown`. */
  health(id: string): Promise<RunnerHealth>;
  record(id: string): Promise<RunnerRecord>;
  setAdminStatus(id: string, adminStatus: 'enabled' | 'disabled'): Promise<RunnerHealth>;
  remove(id: string): Promise<void>;

  /** Rejects with `runner_unknown` (404) or `runner_token_invalid` (401). */
  authenticate(id: string, token: string): Promise<RunnerRecord>;
  openSession(runner: RunnerRecord, request: RunnerSessionOpen): Promise<RunnerSessionOpened>;
  poll(
    runnerId: string,
    request: PollRequest,
    signal: AbortSignal,
  ): Promise<{ messages: RunnerMessage[]; cursor: number; serverIncarnation: string }>;
  heartbeat(runnerId: string, request: HeartbeatRequest): Promise<{ jobs: RunnerVerdict[]; serverIncarnation: string }>;
  claim(
    runnerId: string,
    runId: string,
    request: { readonly sessionId: string; readonly leaseEpoch: number },
  ): Promise<{ job: RunnerJobSpec }>;
  log(
    runnerId: string,
    runId: string,
    request: { readonly sessionId: string; readonly leaseEpoch: number; readonly range: LogRange; readonly body: Buffer },
  ): Promise<{ readonly kind: 'stored' | 'rewind'; readonly next: number }>;
  finish(runnerId: string, runId: string, request: FinishRequest): Promise<FinishAnswer>;
}

/** Other instances' changes to the list of runners show after this. */
const DIRECTORY_REFRESH_MS = 5_000;
const PRUNE_AFTER_MS = 24 * 3_600_000;

export function createRunnerService(options: RunnerServiceOptions): RunnerService {
  const { store, settings, clock, logger, metrics } = options;
  const listeners = new Set<() => void>();
  const background = new Set<Promise<void>>();
  let cancelSweep: () => void = () => undefined;
  let refreshedAtMs = Number.NEGATIVE_INFINITY;
  let isChangeDue = false;

  const context: RunnerContext = {
    store,
    directory: createRunnerDirectory(store, clock),
    clock,
    logger,
    metrics,
    settings,
    incarnation: createRandomId(),
    startedAtMs: clock.monotonicMs(),
    runStatus: options.runStatus,
    jobs: new Map(),
    links: new Map(),
    announceChange() {
      // Told once per turn: many jobs may end at once, and each listener looks at the whole queue.
      if (isChangeDue) return;
      isChangeDue = true;
      queueMicrotask(() => {
        isChangeDue = false;
        for (const listener of [...listeners]) listener();
      });
    },
    track(what, work) {
      const watched = work.then(
        () => undefined,
        (error: unknown) => {
          metrics.count('runner_background_failures_total');
          logger.error({ err: error }, `failed to ${what}`);
        },
      );
      background.add(watched);
      void watched.finally(() => background.delete(watched));
    },
    isStopping: false,
  };

  const sweepEveryMs = Math.max(20, Math.min(1_000, Math.floor(settings.runnerLeaseMs / 10)));
  const sweepLoop = (): void => {
    if (context.isStopping) return;
    sweepJobs(context);
    publishRunnerMetrics(context);
    if (clock.monotonicMs() - refreshedAtMs > DIRECTORY_REFRESH_MS) {
      refreshedAtMs = clock.monotonicMs();
      context.track('read the list of runners', context.directory.refresh());
      context.track('remove old runner jobs', store.pruneJobs(new Date(clock.now().getTime() - PRUNE_AFTER_MS)));
    }
    cancelSweep = clock.setTimer(sweepEveryMs, sweepLoop);
  };

  const record = async (id: string): Promise<RunnerRecord> => {
    const found = context.directory.get(id) ?? (await store.findRunner(id));
    if (!found)
      throw new ServerError('runner_unknown', `There is no runner ${id}. \`runbeat runners\` lists those that there are.`);
    return found;
  };

  return {
    async start() {
      await context.directory.refresh();
      refreshedAtMs = clock.monotonicMs();
      sweepLoop();
    },
    async stop() {
      context.isStopping = true;
      cancelSweep();
      for (const link of context.links.values()) link.wakePoll?.();
      await Promise.all(background);
    },
    find: (adapterType, placement, purpose) =>
      placement === null
        ? { found: false, state: 'missing', code: 'adapter_missing', message: 'A run without a placement has no runner.' }
        : findRunnerAdapter(context, adapterType, placement, purpose),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async register(registration, companyId) {
      const { token, ...profile } = registration;
      const now = clock.now();
      const runner = await context.directory.register({
        ...profile,
        id: createId(now),
        companyId,
        tokenHash: hashRunnerToken(token),
        adminStatus: 'enabled',
        lastSeenAt: null,
        createdAt: now,
      });
      logger.info({ runnerId: runner.id, name: runner.name, labels: runner.labels }, 'runner registered');
      return runner;
    },
    list: () => context.directory.all().map((runner) => reportRunnerHealth(context, runner)),
    record,
    health: async (id) => reportRunnerHealth(context, await record(id)),
    async setAdminStatus(id, adminStatus) {
      if (!(await context.directory.patch(id, { adminStatus }))) await record(id);
      context.announceChange();
      return reportRunnerHealth(context, await record(id));
    },
    async remove(id) {
      await record(id);
      await context.directory.remove(id);
      const link = context.links.get(id);
      context.links.delete(id);
      link?.wakePoll?.();
    },

    async authenticate(id, token) {
      const found = await context.directory.authenticate(id, token);
      if (found === 'unknown') throw new ServerError('runner_unknown', `This server has no runner ${id}. Register it again.`);
      if (found === 'refused') throw new ServerError('runner_token_invalid', 'The token is not the one of this runner.');
      return found;
    },
    openSession: (runner, request) => openSession(context, runner, request),
    poll: (runnerId, request, signal) => answerPoll(context, runnerId, request, signal),
    heartbeat: (runnerId, request) => takeHeartbeat(context, runnerId, request),
    claim: (runnerId, runId, request) => claimJob(context, runnerId, runId, request),
    log: (runnerId, runId, request) => takeLog(context, runnerId, runId, request),
    finish: (runnerId, runId, request) => takeFinish(context, runnerId, runId, request),
  };
}
