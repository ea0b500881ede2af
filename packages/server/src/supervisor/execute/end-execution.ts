import type { RunLogWriter } from '../logs/run-log-writer.js';
import { withoutSecrets } from '../logs/without-secrets.js';
import { retryWhileUnavailable } from '../loops/retry-while-unavailable.js';
import type { SettleAnswer } from '../settle/settle-run.js';
import { failedSettlement, type Settlement } from '../settle/settlement.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import type { ExecutionRecord } from './execution-record.js';
import type { WorkEnding } from './follow-work.js';
import { planRejection } from './plan-rejection.js';
import type { PreparedRun } from './prepare-run.js';
import { settlementFromResult, settlementFromStop } from './settlement-from-result.js';
import { stopByHandle } from './stop-by-handle.js';

/** How an execution in this process ended. */
export type ExecutionEnd =
  | { readonly kind: 'settled'; readonly answer: SettleAnswer }
  /** The work goes on and the next server takes it over. */
  | { readonly kind: 'detached' }
  /** Somebody else owns the run; nothing was written. */
  | { readonly kind: 'fenced' }
  /** Still ours, still running, but nobody follows it: recovery has to look. */
  | { readonly kind: 'released'; readonly message: string };

/** Brings an execution to one of its ends: complete the log, write the run's end, or leave the run to somebody else. */
export interface ExecutionEnder {
  afterWork(ending: WorkEnding, prepared: PreparedRun, log: RunLogWriter): Promise<ExecutionEnd>;
  /** The run could not even be prepared. */
  refuse(code: string, message: string): Promise<ExecutionEnd>;
}

export function createExecutionEnder(
  dependencies: SupervisorDependencies,
  host: ExecutionHost,
  assignment: Assignment,
  record: ExecutionRecord,
): ExecutionEnder {
  const { clock, logger, settings } = dependencies;
  const { adapter } = assignment;
  const { followed, stop } = record;
  const ended = (end: ExecutionEnd): ExecutionEnd => (stop.isFenced() ? { kind: 'fenced' } : end);

  const close = async (log: RunLogWriter | null, settlement: Settlement): Promise<ExecutionEnd> => {
    const end = await log?.finish('ended', { limitMs: host.stopSignal.aborted ? 0 : settings.logRetryLimitMs });
    if (stop.isFenced()) return { kind: 'fenced' };
    const isIncomplete = end !== undefined && (end.droppedBytes > 0 || end.gapBytes > 0);
    const missing = isIncomplete ? { droppedBytes: end.droppedBytes, gapBytes: end.gapBytes } : {};
    const complete = { ...settlement, detail: { ...settlement.detail, ...missing } };
    const settle = () => host.settleDesk.settle({ run: record.run(), settlement: complete, logEnd: record.logEnd() });
    const answer = await retryWhileUnavailable(settle, {
      what: `end of run ${followed.runId}`,
      clock,
      logger,
      signal: host.stopSignal,
    });
    return { kind: 'settled', answer };
  };
  const detach = async (log: RunLogWriter): Promise<ExecutionEnd> => {
    await log.finish('detached', { limitMs: settings.shutdownGraceMs / 4 });
    await record.patch({ phase: 'detached', ...record.logEnd() });
    return ended({ kind: 'detached' });
  };
  const release = async (log: RunLogWriter, message: string): Promise<ExecutionEnd> => {
    await log.finish('detached', { limitMs: settings.drainLimitMs });
    return ended({ kind: 'released', message });
  };
  const endWork = async (prepared: PreparedRun, reason: string): Promise<void> => {
    const run = record.run();
    const answer = await stopByHandle(dependencies, {
      run,
      adapter,
      config: prepared.config,
      reason,
      graceMs: settings.terminateGraceMs,
    });
    if (!answer.done) logger.error({ runId: run.id, problem: answer.message }, 'what the adapter left behind could not be ended');
  };
  const afterRejection = async (error: unknown, prepared: PreparedRun, log: RunLogWriter): Promise<ExecutionEnd> => {
    dependencies.metrics.count('adapter_rejections_total', { adapter: adapter.type });
    const plan = planRejection({ error, run: record.run(), adapter, stop: stop.reason() });
    if (plan.kind === 'recover') return release(log, plan.message);
    if (plan.isWorkLeft) await endWork(prepared, 'lost');
    return close(log, withoutSecrets(plan.settlement, prepared.secrets));
  };
  /** Only a shutdown may be answered by `detached`. */
  const afterDetached = async (prepared: PreparedRun, log: RunLogWriter): Promise<ExecutionEnd> => {
    if (stop.reason()?.kind === 'host_shutdown') return detach(log);
    if (adapter.outOfProcess?.kind === 'handle' && record.run().handle) {
      return release(log, 'the adapter let go of the run without being asked to');
    }
    await endWork(prepared, 'lost');
    const message = `Adapter ${adapter.type} answered "detached" although the server was not shutting down.`;
    return close(log, failedSettlement('adapter_error', message));
  };

  return {
    async afterWork(ending, prepared, log) {
      switch (ending.kind) {
        case 'fenced':
          log.abandon();
          // Attached work whose output nobody can take any more would run beside the retry that others start for it.
          if (!adapter.hasOutOfProcessLiveness) await endWork(prepared, 'fenced');
          return { kind: 'fenced' };
        case 'left_running':
          return detach(log);
        case 'overdue':
          return close(log, settlementFromStop(stop.reason() ?? { kind: 'host_shutdown' }, { endedByHost: ending.how }));
        case 'rejected':
          return afterRejection(ending.error, prepared, log);
        case 'returned': {
          const { result } = ending;
          if (result.status === 'detached') return afterDetached(prepared, log);
          return close(log, withoutSecrets(settlementFromResult(result, stop.reason()), prepared.secrets));
        }
      }
    },
    refuse(code, message) {
      // Work that is out there is not lost because its config cannot be read just now.
      if (assignment.mode === 'reattach') return Promise.resolve({ kind: 'released', message });
      return close(null, failedSettlement(code, message));
    },
  };
}
