import type { AdapterV1, RunHandleV1, RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerJobSpec, RunnerLogLine, RunnerSessionCommand, RunnerSessionProgress } from '@runbeat/protocol';
import { runExecution } from '../execution/execution.js';
import type { ExecutionOptions } from '../execution/execution-options.js';
import { runSessionExecution } from '../execution/session-execution.js';
import { createSessionInbox } from '../execution/session-inbox.js';
import { createSessionProgressReader } from '../execution/session-progress.js';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import type { RunnerClientSettings } from '../runner-settings.js';
import { openSpool } from '../spool/spool.js';
import type { FoundJob, JobFiles, StoredFinish, StoredJob } from './job-files.js';
import type { JobLink } from './job-link.js';
import type { JobAbort } from './job-state.js';
import { createLogUploader } from './log-uploader.js';

/** The work of a claimed job: the adapter's call, its log on disk and the log's way to the server. */
export interface JobWork {
  /** Calls the adapter, or takes its work up again. Once. */
  start(): void;
  abort(reason: JobAbort): void;
  /** Commands for a session's worker. */
  say(commands: readonly RunnerSessionCommand[]): void;
  forgetCommands(): void;
  /** Null for a run. */
  sessionProgress(): RunnerSessionProgress | null;
  /** `host_shutdown` to the adapter; resolves when its call settled. */
  release(): Promise<void>;
  storeEpoch(leaseEpoch: number): Promise<void>;
  /** Completes the log and writes the outbox. */
  storeResult(result: RunResultV1): Promise<void>;
  outbox(): StoredFinish | null;
  rewind(to: number): void;
  resume(): void;
  logEnd(): number;
  ackedEnd(): number;
  aliveAt(): string | null;
  blockedReason(): string | null;
  close(): Promise<void>;
}

export interface JobWorkOptions {
  readonly spec: RunnerJobSpec;
  /** What an earlier process wrote down; null = new. */
  readonly stored: FoundJob | null;
  readonly files: JobFiles;
  readonly link: JobLink;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  readonly settings: RunnerClientSettings;
  /** Name of this runner and its host, for the run's timeline. */
  readonly place: string;
  readonly serverUrl: string;
  findAdapter(type: string): AdapterV1 | null;
  leaseEpoch(): number;
  onSettled(result: RunResultV1): void;
  onFenced(): void;
  onCaughtUp(): void;
}

const TERMINATE_GRACE_MS = 10_000;

const spoolLost: RunResultV1 = {
  status: 'failed',
  error: {
    code: 'runner_spool_lost',
    message: "The runner's disk lost a part of the log that had been sent already; the work was stopped. Check the disk.",
    retryable: true,
  },
};

export async function createJobWork(options: JobWorkOptions): Promise<JobWork> {
  const { spec, files, link, clock, logger, settings } = options;
  const { runId } = spec;
  let stored: StoredJob = options.stored?.job ?? { spec, leaseEpoch: options.leaseEpoch(), starts: 0, handle: null };
  let outbox: StoredFinish | null = options.stored?.finish ?? null;
  let aliveAt: string | null = null;
  let execution: Promise<void> | null = null;
  let isClosed = false;
  let isDiverged = false;
  const controller = new AbortController();
  const { session } = spec;
  const progress = session === null ? null : createSessionProgressReader();

  const spool = await openSpool({
    path: files.spoolPath(runId),
    clock,
    onFound: (line) => progress?.take(line),
    bufferBytes: settings.logBufferBytes,
    limitBytes: settings.spoolLimitBytes,
    retryMs: settings.spoolRetryMs,
  });
  const uploader = createLogUploader({
    spool,
    clock,
    // Somebody waits for each word of a conversation.
    gatherMs: session === null ? settings.logGatherMs : 0,
    retryMinMs: settings.jobRetryMinMs,
    retryMaxMs: settings.jobRetryMaxMs,
    isReady: () => link.isConnected(),
    send: (from, body) => link.sendLog(runId, options.leaseEpoch(), from, body),
    onFenced: options.onFenced,
    onCaughtUp: options.onCaughtUp,
    onDiverged: (serverEnd) => {
      logger.error({ runId, serverEnd, end: spool.end() }, 'the server has more of the log than this disk: it lost data');
      isDiverged = true;
      abort({ kind: 'cancelled', message: 'the runner lost a part of the log that it had sent already' });
    },
    onError: (error) => logger.error({ runId, err: error }, 'the log cannot be read for sending'),
  });
  spool.onWritten(() => uploader.pump());

  const store = (patch: Partial<StoredJob>): Promise<void> => {
    stored = { ...stored, ...patch };
    return files.storeJob(stored);
  };

  async function append(line: RunnerLogLine): Promise<void> {
    progress?.take(line);
    await spool.append(line);
  }

  const inbox = createSessionInbox({
    begunSeq: () => progress?.progress().commandSeq ?? 0,
    append,
    flush: () => spool.flush(),
    onError: (error) => logger.error({ runId, err: error }, "a message could not be written to a session's worker"),
  });

  function abort(reason: JobAbort): void {
    if (!controller.signal.aborted) controller.abort(reason);
  }

  async function tellPlace(): Promise<void> {
    const type = stored.starts > 0 ? 'runner_resumed' : 'runner_started';
    const message = stored.starts > 0 ? `Taken up again on ${options.place}.` : `Runs on ${options.place}.`;
    await spool.append({ k: 'event', at: clock.now().toISOString(), type, level: 'info', message });
  }

  async function execute(): Promise<void> {
    await tellPlace();
    const execution: ExecutionOptions = {
      // The server names itself as it is known where it runs; the work needs the name that is good from here.
      spec: { ...spec, environment: { ...spec.environment, RUNBEAT_API_URL: options.serverUrl } },
      starts: stored.starts,
      handle: stored.handle,
      findAdapter: () => options.findAdapter(spec.adapterType),
      clock,
      probeRetryMs: settings.probeRetryMs,
      graceMs: TERMINATE_GRACE_MS,
      markStarted: async () => {
        // Set first: a job that is written down meanwhile has begun.
        stored = { ...stored, starts: stored.starts + 1 };
        await files.markStarted(runId, stored.starts);
      },
      storeHandle: (handle: RunHandleV1) => store({ handle }),
      append,
      lastCursor: () => spool.lastCursor(),
      alive: () => {
        aliveAt = clock.now().toISOString();
      },
      signal: controller.signal,
    };
    const result = await (progress === null || session === null
      ? runExecution(execution)
      : runSessionExecution({ ...execution, sessionId: session.id, inbox, progress: progress.progress }));
    options.onSettled(isDiverged ? spoolLost : result);
  }

  return {
    start() {
      execution ??= execute().catch((error: unknown) => {
        logger.error({ runId, err: error }, 'the execution of a job failed');
        const message = `The runner could not execute the run: ${(error as Error).message}`;
        options.onSettled({ status: 'failed', error: { code: 'runner_internal_error', message, retryable: true } });
      });
    },
    abort,
    say: (commands) => inbox.take(commands),
    forgetCommands: () => inbox.forget(),
    sessionProgress() {
      if (progress === null) return null;
      const { commandSeq, promptId } = progress.progress();
      return { commandSeq, promptId };
    },
    async release() {
      abort({ kind: 'host_shutdown' });
      await execution;
    },
    storeEpoch: (leaseEpoch) => store({ leaseEpoch }),
    async storeResult(result) {
      if (outbox !== null) return;
      if (spool.droppedBytes() > 0) {
        const message = `${spool.droppedBytes()} bytes of output were not kept: the log had reached its limit on the runner.`;
        const at = clock.now().toISOString();
        await spool.append({ k: 'event', at, type: 'runner_log_truncated', level: 'warn', message });
      }
      const logBytes = await spool.sync();
      const finish = { result, logBytes, chain: spool.chain() };
      await files.storeFinish(runId, finish);
      outbox = finish;
      uploader.hurry();
    },
    outbox: () => outbox,
    rewind: (to) => uploader.rewind(to),
    resume: () => uploader.pump(),
    logEnd: () => spool.end(),
    ackedEnd: () => uploader.ackedEnd(),
    aliveAt: () => aliveAt,
    blockedReason: () => spool.blockedReason(),
    async close() {
      if (isClosed) return;
      isClosed = true;
      // While the adapter still works (a released job of a process that ends) its log stays open until it has settled.
      await uploader.stop();
      await (spool.blockedReason() === null ? spool.close() : spool.abandon());
    },
  };
}
