import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerJobReport, RunnerJobSpec, RunnerResult, RunnerSessionCommand, RunnerVerdict } from '@runbeat/protocol';
import { planBackoff } from '../connection/backoff.js';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import type { RunnerClientSettings } from '../runner-settings.js';
import type { FoundJob, JobFiles } from './job-files.js';
import type { JobLink } from './job-link.js';
import { type JobAbort, type JobEffect, type JobEvent, type JobState, offeredJob } from './job-state.js';
import { createJobWork, type JobWork, type JobWorkOptions } from './job-work.js';
import { planJob } from './plan-job.js';

/** One job: carries out what `planJob` decides, one effect after the other. */
export interface JobActor {
  readonly runId: string;
  state(): JobState;
  report(): RunnerJobReport;
  dispatch(event: JobEvent): void;
  /** A verdict of the server. */
  judge(verdict: RunnerVerdict): void;
  /** What a session's worker is to be told; ignored while there is no work (it is repeated). */
  say(leaseEpoch: number, commands: readonly RunnerSessionCommand[]): void;
  /** Forgets what a session's worker was not told yet. */
  forgetCommands(): void;
  /** The connection is back, or there is time: send what waits. */
  resume(): void;
  /** Leaves the work to the next process where the adapter allows it, stops it otherwise. Resolves when it is settled. */
  release(): Promise<void>;
  unackedBytes(): number;
  blockedReason(): string | null;
  /** Ends timers and files; for the end of the process. */
  close(): Promise<void>;
}

export interface JobActorOptions extends Pick<JobWorkOptions, 'findAdapter' | 'place' | 'serverUrl'> {
  readonly runId: string;
  readonly files: JobFiles;
  readonly link: JobLink;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  readonly settings: RunnerClientSettings;
  /** How long an unknown run is kept; null = no session yet. */
  disconnectGraceMs(): number | null;
  /** Nothing of it is left in this process. */
  onGone(): void;
  onClaimAnswer(result: string): void;
}

/** A job that was offered just now, or, with `found`, one from the disk. */
export function createJobActor(options: JobActorOptions, leaseEpoch: number, found: FoundJob | null): JobActor {
  const { runId, clock, link, files, logger } = options;
  let state: JobState = found === null ? offeredJob(leaseEpoch) : stateFromDisk(found);
  let work: JobWork | null = null;
  let spec: RunnerJobSpec | null = found?.job.spec ?? null;
  let unknownSinceMs: number | null = null;
  let finishFailures = 0;
  let cancelFinishTimer: (() => void) | null = null;
  let isFinishing = false;
  let isClosed = false;
  /** Effects one after the other. */
  let effects: Promise<void> = Promise.resolve();

  if (found !== null) enqueue(async () => resumeFromDisk(found));

  function dispatch(event: JobEvent): void {
    const before = state.phase;
    const plan = planJob(state, event);
    state = plan.state;
    if (state.phase !== before) logger.info({ runId, from: before, to: state.phase, event: event.type }, 'job moved');
    for (const effect of plan.effects) enqueue(() => carryOut(effect));
  }

  function enqueue(effect: () => Promise<void>): void {
    effects = effects.then(effect).catch((error: unknown) => {
      logger.error({ runId, err: error, phase: state.phase }, 'a step of a job failed');
      // A full or broken disk: the same steps are tried again by what repeats itself (offers, heartbeats, finishes).
      if (state.phase === 'finishing') scheduleFinish('backoff');
    });
  }

  async function carryOut(effect: JobEffect): Promise<void> {
    if (isClosed) return;
    switch (effect.type) {
      case 'claim':
        // Not awaited in the queue: a cancel or a fence must not wait for a claim's answer.
        void claim(effect.leaseEpoch).catch((error: unknown) => logger.error({ runId, err: error }, 'a claim failed'));
        return;
      case 'store-claim':
        if (spec === null) return;
        await files.storeJob({ spec, leaseEpoch: state.leaseEpoch, starts: 0, handle: null });
        // Written down, so it may be reported; the log is opened while the heartbeat is on its way.
        link.hurryHeartbeat();
        work = await openWork(null);
        return;
      case 'store-epoch':
        await work?.storeEpoch(state.leaseEpoch);
        work?.resume();
        if (state.phase === 'finishing') scheduleFinish(0);
        return;
      case 'start':
        work?.start();
        return;
      case 'abort':
        work?.abort(effect.reason);
        return;
      case 'store-result':
        await work?.storeResult(effect.result);
        scheduleFinish(0);
        return;
      case 'schedule-finish':
        scheduleFinish(effect.afterMs);
        return;
      case 'rewind-log':
        work?.rewind(effect.to);
        return;
      case 'discard':
        await work?.close();
        await files.discard(runId);
        return gone();
      case 'keep-lost':
        await work?.close();
        await files.keepLost(runId);
        return gone();
    }
  }

  async function claim(epoch: number): Promise<void> {
    const answer = await link.claim(runId, epoch);
    options.onClaimAnswer(answer.kind === 'ok' ? 'accepted' : answer.kind);
    if (answer.kind === 'ok') {
      // What was written down stays as it is: a reclaim gets the same run.
      spec ??= answer.body.job;
      dispatch({ type: 'claim-accepted' });
    } else dispatch({ type: answer.kind === 'fenced' ? 'claim-refused' : 'claim-failed' });
  }

  async function openWork(from: FoundJob | null): Promise<JobWork> {
    if (spec === null) throw new TypeError('a job without a spec has no work');
    return createJobWork({
      ...options,
      spec,
      stored: from,
      leaseEpoch: () => state.leaseEpoch,
      onSettled: (result) => dispatch({ type: 'execution-settled', result }),
      onFenced: () => dispatch({ type: 'fenced' }),
      onCaughtUp: () => {
        if (state.phase === 'finishing') scheduleFinish(0);
      },
    });
  }

  async function resumeFromDisk(from: FoundJob): Promise<void> {
    work = await openWork(from);
    // Work that had begun is taken up at once; what never began waits for the first lease renewal.
    if (state.phase === 'running') work.start();
    if (state.phase === 'finishing') scheduleFinish(0);
  }

  function scheduleFinish(after: number | 'backoff'): void {
    if (state.phase !== 'finishing' || isClosed) return;
    if (after === 'backoff') finishFailures += 1;
    else finishFailures = 0;
    cancelFinishTimer?.();
    cancelFinishTimer = clock.setTimer(after === 'backoff' ? backoffMs() : after, () => {
      cancelFinishTimer = null;
      sendFinish().catch((error: unknown) => logger.error({ runId, err: error }, 'a finish failed'));
    });
  }

  async function sendFinish(): Promise<void> {
    const outbox = work?.outbox() ?? null;
    if (state.phase !== 'finishing' || outbox === null || isFinishing || !link.isConnected()) return;
    if (work && work.ackedEnd() < outbox.logBytes) {
      // The log comes first; `onCaughtUp` brings us back.
      work.resume();
      return;
    }
    isFinishing = true;
    try {
      const answer = await link.finish(runId, state.leaseEpoch, { ...outbox, result: outbox.result as RunnerResult });
      if (answer.kind === 'fenced') dispatch({ type: 'fenced' });
      else if (answer.kind !== 'ok') dispatch({ type: 'finish-failed' });
      else if ('resendFrom' in answer.body) dispatch({ type: 'finish-resend', from: answer.body.resendFrom });
      else if (answer.body.state === 'accepted') dispatch({ type: 'finish-accepted' });
      else dispatch({ type: 'finish-pending', retryAfterMs: answer.body.retryAfterMs });
    } finally {
      isFinishing = false;
    }
  }

  function backoffMs(): number {
    const { jobRetryMinMs, jobRetryMaxMs } = options.settings;
    return planBackoff({
      step: finishFailures,
      retryAfterMs: jobRetryMinMs / 2,
      random: clock.random(),
      firstRetryMs: jobRetryMinMs,
      backoffMinMs: jobRetryMinMs,
      backoffMaxMs: jobRetryMaxMs,
    });
  }

  function gone(): void {
    isClosed = true;
    cancelFinishTimer?.();
    options.onGone();
  }

  function judgeUnknown(): void {
    unknownSinceMs ??= clock.monotonicMs();
    const graceMs = options.disconnectGraceMs();
    if (graceMs !== null && clock.monotonicMs() - unknownSinceMs >= graceMs) dispatch({ type: 'unknown-too-long' });
  }

  return {
    runId,
    state: () => state,
    report: () => ({
      runId,
      leaseEpoch: state.leaseEpoch,
      phase: state.phase,
      logEnd: work?.logEnd() ?? 0,
      aliveAt: work?.aliveAt() ?? null,
      session: work?.sessionProgress() ?? null,
    }),
    dispatch,
    judge(verdict) {
      if (verdict.verdict === 'unknown') return judgeUnknown();
      unknownSinceMs = null;
      if (verdict.verdict === 'fenced') return dispatch({ type: 'fenced' });
      // The cancel first: a job that waits for its first renewal must not start only to be stopped.
      if (verdict.cancel !== null) dispatch({ type: 'cancelled', reason: reasonFromWire(verdict.cancel) });
      dispatch({ type: 'lease-renewed' });
      if (verdict.logOffset !== null) work?.rewind(verdict.logOffset);
    },
    say(epoch, commands) {
      if (state.phase === 'running' && epoch === state.leaseEpoch) work?.say(commands);
    },
    forgetCommands: () => work?.forgetCommands(),
    resume() {
      work?.resume();
      if (state.phase === 'finishing' && cancelFinishTimer === null && !isFinishing) scheduleFinish(0);
    },
    async release() {
      await effects;
      await work?.release();
      await effects;
    },
    unackedBytes: () => (work ? work.logEnd() - work.ackedEnd() : 0),
    blockedReason: () => work?.blockedReason() ?? null,
    async close() {
      await effects;
      isClosed = true;
      cancelFinishTimer?.();
      await work?.close();
    },
  };
}

export function reasonFromWire(cancel: NonNullable<RunnerVerdict['cancel']>): JobAbort {
  return {
    kind: cancel.kind,
    ...(cancel.message === null ? {} : { message: cancel.message }),
    ...(cancel.limitMs === null ? {} : { limitMs: cancel.limitMs }),
    ...(cancel.graceMs === null ? {} : { graceMs: cancel.graceMs }),
  };
}

function stateFromDisk(found: FoundJob): JobState {
  const base = offeredJob(found.job.leaseEpoch);
  const result: RunResultV1 | null = found.finish?.result ?? null;
  if (result !== null) return { ...base, phase: 'finishing', result };
  return { ...base, phase: found.job.starts > 0 ? 'running' : 'leased' };
}
