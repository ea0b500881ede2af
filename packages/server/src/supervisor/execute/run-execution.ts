import { createRunLogWriter } from '../logs/run-log-writer.js';
import { errorMessageOf, type Run, type RunId } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { createExecutionEnder, type ExecutionEnd } from './end-execution.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import { createExecutionRecord, type ExecutionRecord } from './execution-record.js';
import { followWork } from './follow-work.js';
import { type PreparedRun, prepareRun } from './prepare-run.js';
import { type RunLimits, startRunLimits } from './run-limits.js';
import type { StopReason } from './stop-reason.js';

/**
 * One run being followed by this process. States: `preparing` → `working` → `ending` → finished, with one of the ends
 * of `ExecutionEnd`. `stop` may come at any time; only the first reason counts.
 */
export interface RunExecution {
  readonly runId: RunId;
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

/** Begins to execute (or to follow again) a run. Never rejects: whatever happens is one of the ends. */
export function startExecution(dependencies: SupervisorDependencies, host: ExecutionHost, assignment: Assignment): RunExecution {
  const { clock, logger, settings } = dependencies;
  const record = createExecutionRecord(dependencies, host, assignment);
  const { followed, stop } = record;
  const ender = createExecutionEnder(dependencies, host, assignment, record);
  let onShutdown = (): void => undefined;

  const perform = async (): Promise<ExecutionEnd> => {
    const preparation = await prepareRun(dependencies, record.run(), assignment.agent, assignment.adapter);
    if (!preparation.ok) return ender.refuse(preparation.code, preparation.message);
    const { prepared } = preparation;
    const log = createRunLogWriter({
      ...dependencies,
      ...logOptions(host, assignment, record, prepared),
    });
    onShutdown = () => log.hurry(settings.shutdownGraceMs / 4);
    const limits = watchLimits(dependencies, host, { assignment, record, isHoldingBack: log.isHoldingBack });
    const cancelProof = clock.setTimer(reattachProvenAfterMs, record.proveReattached);
    host.liveness.follow(followed);
    try {
      const ending = await followWork(dependencies, host, assignment, { record, prepared, log });
      return await ender.afterWork(ending, prepared, log);
    } finally {
      limits.end();
      cancelProof();
      host.liveness.unfollow(followed.runId);
    }
  };

  return {
    runId: followed.runId,
    run: record.run,
    stop(reason) {
      stop.stop(reason);
      if (reason.kind === 'host_shutdown') onShutdown();
    },
    reportActivity: record.alive,
    lastAliveAt: () => new Date(clock.now().getTime() - (clock.monotonicMs() - followed.aliveAtMs)),
    finished: perform().catch((error: unknown): ExecutionEnd => {
      // Only the database can bring us here (it stayed away until the supervisor stopped), or a bug; either way the row
      // says "running" and recovery decides.
      logger.error({ runId: followed.runId, error: errorMessageOf(error) }, 'the end of a run could not be written');
      return { kind: 'released', message: errorMessageOf(error) };
    }),
  };
}

function logOptions(host: ExecutionHost, { adapter, run }: Assignment, record: ExecutionRecord, prepared: PreparedRun) {
  return {
    run,
    ownerEpoch: run.ownerEpoch,
    secrets: prepared.secrets,
    isResumable: adapter.outOfProcess?.kind === 'handle',
    isLeaseHeld: host.isLeaseHeld,
    onFenced: () => record.stop.stop({ kind: 'fenced' }),
    onStored: record.stored,
  };
}

function watchLimits(
  dependencies: SupervisorDependencies,
  host: ExecutionHost,
  watched: { readonly assignment: Assignment; readonly record: ExecutionRecord; readonly isHoldingBack: () => boolean },
): RunLimits {
  const { clock, settings, store } = dependencies;
  const { assignment, record, isHoldingBack } = watched;
  const { run } = assignment;
  return startRunLimits({
    run: assignment.hasEnded ? { deadlineAt: null, timeoutMs: null, idleTimeoutMs: null } : run,
    clock,
    silenceWarningAfterMs: settings.silenceWarningAfterMs,
    // An adapter that is made to wait for the log store cannot show that it lives.
    lastActivityMs: () => (isHoldingBack() ? clock.monotonicMs() : record.lastActivityMs()),
    onLimit: (reason) => record.stop.stop(reason),
    onSilence() {
      if (assignment.adapter.hasOutOfProcessLiveness) return;
      const minutes = Math.round(settings.silenceWarningAfterMs / 60_000);
      const message = `The run gave no sign of life for ${minutes} minutes.`;
      const event = { type: 'run-silent', level: 'warn', message, at: clock.now() } as const;
      host.background.track(
        `silence of run ${run.id}`,
        store.transaction((tx) => tx.appendRunEvents(run, [event])),
      );
    },
  });
}
