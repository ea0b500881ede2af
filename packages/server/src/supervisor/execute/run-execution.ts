import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { FollowedRun } from '../liveness/liveness-refresher.js';
import { createRunLogWriter, type RunLogWriter } from '../logs/run-log-writer.js';
import { withoutSecrets } from '../logs/without-secrets.js';
import { retryWhileUnavailable } from '../loops/retry-while-unavailable.js';
import { errorMessageOf, type Run, type RunId, type RunPatch } from '../model/index.js';
import { type SettleAnswer, settleRun } from '../settle/settle-run.js';
import { failedSettlement, type Settlement } from '../settle/settlement.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { callAdapter } from './call-adapter.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import { endOverdueWork } from './overdue-stop.js';
import { planRejection } from './plan-rejection.js';
import { type PreparedRun, prepareRun } from './prepare-run.js';
import { startRunLimits } from './run-limits.js';
import { createRunSinks } from './run-sinks.js';
import { createRunStop } from './run-stop.js';
import { settlementFromResult, settlementFromStop } from './settlement-from-result.js';
import { stopByHandle } from './stop-by-handle.js';
import type { StopReason } from './stop-reason.js';
import { storeHandle } from './store-handle.js';

/** How an execution in this process ended. */
export type ExecutionEnd =
  | { readonly kind: 'settled'; readonly answer: SettleAnswer }
  /** The work goes on and the next server takes it over. */
  | { readonly kind: 'detached' }
  /** Somebody else owns the run; nothing was written. */
  | { readonly kind: 'fenced' }
  /** Still ours, still running, but nobody follows it: recovery has to look. */
  | { readonly kind: 'released'; readonly message: string };

/**
 * One run being followed by this process. States: `preparing` → `working` → `ending` → finished, with one of the ends
 * above. `stop` may come at any time; only the first reason counts.
 */
export interface RunExecution {
  readonly runId: RunId;
  readonly adapterType: string;
  /** The run as far as this process knows it. */
  readonly run: () => Run;
  stop(reason: StopReason): void;
  /** Proof of life that came another way (the workload itself, a probe). */
  reportActivity(): void;
  readonly lastAliveAt: () => Date;
  readonly finished: Promise<ExecutionEnd>;
}

/** A host that lived this long after it took a run over did not die of it, even if the run is silent. */
const reattachProvenAfterMs = 10_000;

type Ending =
  | { readonly kind: 'returned'; readonly result: RunResultV1 }
  | { readonly kind: 'rejected'; readonly error: unknown }
  | { readonly kind: 'overdue'; readonly how: string }
  | { readonly kind: 'left_running' }
  | { readonly kind: 'fenced' };

/** Begins to execute (or to follow again) a run. Never rejects: whatever happens is one of the ends. */
export function startExecution(dependencies: SupervisorDependencies, host: ExecutionHost, assignment: Assignment): RunExecution {
  const { clock, logger, settings } = dependencies;
  const { adapter, agent } = assignment;
  const stop = createRunStop();
  let run = assignment.run;
  let onShutdown = (): void => undefined;
  // The one clock of idleness: set by every call of the adapter, read by limits when their timers fire.
  let lastActivityMs = clock.monotonicMs();
  let isProven = assignment.mode === 'execute';
  const followed: FollowedRun = {
    runId: run.id,
    ownerEpoch: run.ownerEpoch,
    refreshedAtMs: lastActivityMs,
    aliveAtMs: lastActivityMs,
    lastOutputAt: run.lastOutputAt,
    logBytes: run.logBytes,
    logCursor: run.logCursor,
    hasWarning: run.warning !== null,
  };

  /** What must not be stored with the run's end; set once they are known. */
  let secrets: readonly string[] = [];
  const patch = async (change: RunPatch): Promise<void> => {
    const answer = await dependencies.store.transaction((tx) =>
      tx.patchRun({ id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' }, change),
    );
    if (answer === 'stale') stop.stop({ kind: 'fenced' });
    else run = { ...run, ...change };
  };
  /** The first sign of life after a reattach: it did not kill its host, so that counts no longer against it. */
  const proveReattached = (): void => {
    if (isProven || stop.reason()) return;
    isProven = true;
    host.background.track(
      `proof of life of run ${run.id}`,
      patch({ phase: 'attached', instanceDeathCount: 0, unknownSince: null, nextProbeAt: null, updatedAt: clock.now() }),
    );
  };
  const alive = (): void => {
    lastActivityMs = clock.monotonicMs();
    followed.aliveAtMs = lastActivityMs;
    proveReattached();
  };

  const openLog = (prepared: PreparedRun): RunLogWriter => {
    secrets = prepared.secrets;
    return createRunLogWriter({
      ...dependencies,
      run,
      ownerEpoch: run.ownerEpoch,
      secrets: prepared.secrets,
      isResumable: adapter.outOfProcess?.kind === 'handle',
      isLeaseHeld: host.isLeaseHeld,
      onFenced: () => stop.stop({ kind: 'fenced' }),
      onStored(end) {
        followed.logBytes = end.logBytes;
        followed.logCursor = end.logCursor;
        followed.lastOutputAt = clock.now();
        alive();
      },
    });
  };

  const work = async (prepared: PreparedRun, log: RunLogWriter): Promise<Ending> => {
    const settled = new AbortController();
    const sinks = createRunSinks(dependencies, {
      run,
      log,
      secrets: prepared.secrets,
      isClosed: () => settled.signal.aborted || stop.isFenced(),
      onActivity: () => {
        lastActivityMs = clock.monotonicMs();
      },
      onAlive: alive,
    });
    // Only a log that an earlier attempt wrote has to be read before the first write.
    const isContinued = assignment.mode === 'reattach' || run.attempt > 1;
    const { adapterCursor } = isContinued ? await log.open() : { adapterCursor: null };
    const answered = callAdapter(assignment, {
      prepared,
      sinks,
      signal: stop.signal,
      afterCursor: adapterCursor,
      storeHandle: async (handle) => {
        const stored = await storeHandle(dependencies, run, handle, host.stopSignal);
        run = { ...run, ...stored };
        followed.refreshedAtMs = clock.monotonicMs();
      },
    }).then(
      (result): Ending => ({ kind: 'returned', result }),
      (error: unknown): Ending => ({ kind: 'rejected', error }),
    );
    const overdue = endOverdueWork(dependencies, {
      run: () => run,
      adapter,
      config: prepared.config,
      stop,
      signal: settled.signal,
    }).then((end): Ending | Promise<Ending> => {
      if (end === null) return answered;
      return end.kind === 'ended' ? { kind: 'overdue', how: end.how } : end;
    });
    const ending = await Promise.race([answered, overdue, stop.fenced.then((): Ending => ({ kind: 'fenced' }))]);
    settled.abort();
    return stop.isFenced() ? { kind: 'fenced' } : ending;
  };

  const close = async (log: RunLogWriter | null, rawSettlement: Settlement): Promise<ExecutionEnd> => {
    const settlement = withoutSecrets(rawSettlement, secrets);
    const end = await log?.finish('ended', { limitMs: host.stopSignal.aborted ? 0 : settings.logRetryLimitMs });
    if (stop.isFenced()) return { kind: 'fenced' };
    const missing =
      end && (end.droppedBytes > 0 || end.gapBytes > 0) ? { droppedBytes: end.droppedBytes, gapBytes: end.gapBytes } : {};
    // A log that nothing was written to was never opened: what an earlier owner stored still counts.
    const logEnd = end && followed.logBytes > 0 ? { logBytes: followed.logBytes, logCursor: followed.logCursor } : undefined;
    const answer = await retryWhileUnavailable(
      () =>
        settleRun(dependencies, run, { ...settlement, detail: { ...settlement.detail, ...missing } }, logEnd ? { logEnd } : {}),
      { what: `end of run ${run.id}`, clock, logger, signal: host.stopSignal },
    );
    return { kind: 'settled', answer };
  };

  const detach = async (log: RunLogWriter): Promise<ExecutionEnd> => {
    const end = await log.finish('detached', { limitMs: settings.shutdownGraceMs / 4 });
    await patch({ phase: 'detached', ...(followed.logBytes > 0 ? { logBytes: end.logBytes, logCursor: end.logCursor } : {}) });
    return stop.isFenced() ? { kind: 'fenced' } : { kind: 'detached' };
  };

  const release = async (log: RunLogWriter | null, message: string): Promise<ExecutionEnd> => {
    await log?.finish('detached', { limitMs: settings.drainLimitMs });
    return stop.isFenced() ? { kind: 'fenced' } : { kind: 'released', message };
  };

  const endWork = async (prepared: PreparedRun, reason: string): Promise<void> => {
    const answer = await stopByHandle(dependencies, {
      run,
      adapter,
      config: prepared.config,
      reason,
      graceMs: settings.terminateGraceMs,
    });
    if (!answer.done) logger.error({ runId: run.id, problem: answer.message }, 'what the adapter left behind could not be ended');
  };

  const afterEnding = async (ending: Ending, prepared: PreparedRun, log: RunLogWriter): Promise<ExecutionEnd> => {
    switch (ending.kind) {
      case 'fenced':
        log.abandon();
        // Attached work whose output nobody can take any more would run beside the retry that others start for it.
        if (!adapter.hasOutOfProcessLiveness) await endWork(prepared, 'fenced');
        return { kind: 'fenced' };
      case 'left_running':
        return detach(log);
      case 'overdue': {
        const settlement = settlementFromStop(stop.reason() ?? { kind: 'host_shutdown' }, { endedByHost: ending.how });
        return close(log, settlement);
      }
      case 'rejected': {
        const plan = planRejection({ error: ending.error, run, adapter, stop: stop.reason() });
        dependencies.metrics.count('adapter_rejections_total', { adapter: adapter.type });
        if (plan.kind === 'recover') return release(log, plan.message);
        if (plan.isWorkLeft) await endWork(prepared, 'lost');
        return close(log, plan.settlement);
      }
      case 'returned': {
        const { result } = ending;
        if (result.status !== 'detached') return close(log, settlementFromResult(result, stop.reason()));
        if (stop.reason()?.kind === 'host_shutdown') return detach(log);
        if (adapter.outOfProcess?.kind === 'handle' && run.handle)
          return release(log, 'the adapter let go of the run without being asked to');
        await endWork(prepared, 'lost');
        const message = `Adapter ${adapter.type} answered "detached" although the server was not shutting down.`;
        return close(log, failedSettlement('adapter_error', message));
      }
    }
  };

  const perform = async (): Promise<ExecutionEnd> => {
    const preparation = await prepareRun(dependencies, run, agent, adapter);
    if (!preparation.ok) {
      // Work that is out there is not lost because its config cannot be read just now.
      if (assignment.mode === 'reattach') return release(null, preparation.message);
      return close(null, failedSettlement(preparation.code, preparation.message));
    }
    const log = openLog(preparation.prepared);
    const limits = startRunLimits({
      run: assignment.hasEnded ? { deadlineAt: null, timeoutMs: null, idleTimeoutMs: null } : run,
      clock,
      silenceWarningAfterMs: settings.silenceWarningAfterMs,
      // An adapter that is made to wait for the log store cannot show that it lives.
      lastActivityMs: () => (log.isHoldingBack() ? clock.monotonicMs() : lastActivityMs),
      onLimit: (reason) => stop.stop(reason),
      onSilence: () => warnOfSilence(),
    });
    host.liveness.follow(followed);
    onShutdown = () => log.hurry(settings.shutdownGraceMs / 4);
    const cancelProof = isProven ? null : clock.setTimer(reattachProvenAfterMs, proveReattached);
    try {
      return await afterEnding(await work(preparation.prepared, log), preparation.prepared, log);
    } finally {
      limits.end();
      cancelProof?.();
      host.liveness.unfollow(run.id);
    }
  };
  const warnOfSilence = (): void => {
    if (adapter.hasOutOfProcessLiveness) return;
    const minutes = Math.round(settings.silenceWarningAfterMs / 60_000);
    const event = {
      type: 'run-silent',
      level: 'warn',
      message: `The run gave no sign of life for ${minutes} minutes.`,
      at: clock.now(),
    } as const;
    host.background.track(
      `silence of run ${run.id}`,
      dependencies.store.transaction((tx) => tx.appendRunEvents(run, [event])),
    );
  };

  const finished = perform().catch((error: unknown): ExecutionEnd => {
    // Only the database can bring us here (it stayed away until the supervisor stopped), or a bug; either way the row says
    // "running" and recovery decides.
    logger.error({ runId: run.id, error: errorMessageOf(error) }, 'the end of a run could not be written');
    return { kind: 'released', message: errorMessageOf(error) };
  });
  return {
    runId: run.id,
    adapterType: adapter.type,
    run: () => run,
    stop(reason) {
      stop.stop(reason);
      if (reason.kind === 'host_shutdown') onShutdown();
    },
    reportActivity: alive,
    lastAliveAt: () => new Date(clock.now().getTime() - (clock.monotonicMs() - followed.aliveAtMs)),
    finished,
  };
}
