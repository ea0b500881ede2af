import { isHostFailureCode } from '@runbeat/adapter-sdk';
import { promoteDeferredWakeups } from '../admit/promote-deferred-wakeups.js';
import { type Run, type RunId, type RunPatch, runFromNew, type TerminalRunStatus } from '../model/index.js';
import type { CompareAndSet } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork, type UnitOfWork } from '../transaction/unit-of-work.js';
import { moveRun } from './move-run.js';
import { planRetry } from './plan-retry.js';
import { rememberOutcomes } from './remember-outcomes.js';
import { insertRetryRun } from './retry-run.js';
import { runLiveData } from './run-live-event.js';
import type { Settlement } from './settlement.js';

export type SettleAnswer =
  | { readonly outcome: 'moved'; readonly run: Run; readonly retryRunId: RunId | null; readonly promotedRunIds: readonly RunId[] }
  /** Somebody else owns or closed the run; nothing was written. */
  | { readonly outcome: Extract<CompareAndSet, 'stale'> };

type LogEndPatch = Pick<RunPatch, 'logBytes' | 'logCursor' | 'lastOutputAt'>;

/** What an adapter reports is kept to a length that a list can show; the whole of it is in the run's log. */
const longestCode = 100;
const longestMessage = 8_000;

const wakeupStatusOf = { succeeded: 'completed', failed: 'failed', cancelled: 'cancelled', timed_out: 'failed' } as const;

/** One run to close. */
export interface RunEnd {
  /** The caller's last knowledge of it: its status and epoch are the guard. */
  readonly run: Run;
  readonly settlement: Settlement;
  /** Where the log ended; the last refresh of the row may be a minute old. */
  readonly logEnd?: LogEndPatch;
  readonly wakeupSkippedReason?: string;
}

/**
 * Closes a run. Status, wakeup request, issue lock, retry run, agent state, session and the events that tell of it are one
 * transaction.
 */
export async function settleRun(
  dependencies: SupervisorDependencies,
  run: Run,
  settlement: Settlement,
  options: Omit<RunEnd, 'run' | 'settlement'> = {},
): Promise<SettleAnswer> {
  const [answer] = await settleRuns(dependencies, [{ run, settlement, ...options }]);
  return answer as SettleAnswer;
}

/** Closes several runs in one transaction; answers in the same order. No two of them may belong to one issue. */
export async function settleRuns(
  dependencies: SupervisorDependencies,
  ends: readonly RunEnd[],
): Promise<readonly SettleAnswer[]> {
  const answers = await inUnitOfWork(dependencies, async (unit) => {
    const settling = await Promise.allSettled(ends.map((end) => settle(dependencies, unit, end)));
    // Only when none of them asks the database any more may the transaction end.
    const settled = settling.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    await rememberOutcomes(unit, executed(ends, settled));
    return settled;
  });
  for (const [index, answer] of answers.entries()) {
    const end = ends[index];
    if (end && answer.outcome === 'moved') count(dependencies, answer.run, end.settlement, answer.retryRunId !== null);
  }
  return answers;
}

/** Those that were running: a queued run that is closed is no work of its agent. */
function executed(ends: readonly RunEnd[], answers: readonly SettleAnswer[]) {
  return ends.flatMap(({ run, settlement }, index) => {
    const answer = answers[index];
    return answer?.outcome === 'moved' && run.status === 'running' ? [{ run: answer.run, result: settlement.result }] : [];
  });
}

async function settle(dependencies: SupervisorDependencies, unit: UnitOfWork, end: RunEnd): Promise<SettleAnswer> {
  const { run, settlement } = end;
  // Lock order: the issue before the run. Whoever queues work for the issue waits here and then sees the freed lock.
  const issue = run.issueId === null ? null : await unit.tx.lockIssue(run.issueId);
  const patch = terminalPatch(run, settlement, unit.now, end.logEnd);
  const moved = await moveRun(unit.tx, { id: run.id, from: run.status, ownerEpoch: run.ownerEpoch }, settlement.status, patch);
  if (moved === 'stale') return { outcome: 'stale' };
  const settled: Run = { ...run, ...patch, status: settlement.status };

  // The caller's copy may be older than a cancel request that another instance wrote.
  const current = settlement.retry === 'never' ? run : ((await unit.tx.getRun(run.id)) ?? run);
  const random = dependencies.random ?? Math.random;
  const plan = planRetry({ run: current, settlement, now: unit.now, settings: dependencies.settings, random: random() });
  const retry =
    plan.kind === 'retry' ? await insertRetryRun(unit, settled, plan, `retry of run ${run.id}: ${plan.retryReason}`) : null;
  await closeWakeup(unit, run, settlement, end.wakeupSkippedReason ?? null);
  tellSettled(unit, settled, settlement, retry?.id ?? null, plan.kind === 'none' ? plan.reason : null);
  if (retry) unit.liveEvent(run.companyId, 'run-queued', runLiveData(runFromNew(retry)));

  let promotedRunIds: readonly RunId[] = [];
  if (issue) {
    const isLockHolder = issue.executionRunId === run.id;
    await unit.tx.patchIssue(
      issue.id,
      {
        ...(isLockHolder ? { executionRunId: retry?.id ?? null } : {}),
        ...(settlement.status === 'succeeded' ? { recoveryUsed: null } : {}),
      },
      unit.now,
    );
    if (isLockHolder && !retry) promotedRunIds = await promoteDeferredWakeups(unit, { ...issue, executionRunId: null });
  }
  return { outcome: 'moved', run: settled, retryRunId: retry?.id ?? null, promotedRunIds };
}

function terminalPatch(run: Run, settlement: Settlement, now: Date, logEnd?: LogEndPatch): RunPatch {
  const { result } = settlement;
  return {
    phase: null,
    finishedAt: now,
    updatedAt: now,
    warning: null,
    unknownSince: null,
    nextProbeAt: null,
    exitCode: settlement.exitCode,
    signal: settlement.signal,
    errorCode: settlement.error?.code.slice(0, longestCode) ?? null,
    error: settlement.error?.message.slice(0, longestMessage) ?? null,
    usage: result?.usage ?? null,
    provider: result?.provider ?? null,
    model: result?.model ?? null,
    costUsd: result?.costUsd ?? null,
    summary: result?.summary ?? null,
    resultJson: result?.resultJson ?? null,
    ...(run.startedAt === null ? {} : { ownerInstanceId: null }),
    ...(logEnd ?? {}),
  };
}

async function closeWakeup(unit: UnitOfWork, run: Run, settlement: Settlement, skippedReason: string | null): Promise<void> {
  await unit.tx.moveWakeup(
    { id: run.wakeupRequestId, from: ['queued', 'claimed'] },
    {
      status: skippedReason === null ? wakeupStatusOf[settlement.status] : 'skipped',
      statusReason: skippedReason ?? settlement.error?.message.slice(0, longestMessage) ?? null,
    },
    unit.now,
  );
}

const levelOf = { succeeded: 'info', failed: 'error', cancelled: 'warn', timed_out: 'error' } as const satisfies Record<
  TerminalRunStatus,
  string
>;

function tellSettled(
  unit: UnitOfWork,
  run: Run,
  settlement: Settlement,
  retryRunId: RunId | null,
  noRetryReason: string | null,
): void {
  const wantedRetry = settlement.retry !== 'never';
  unit.runEvent(run, {
    type: 'run-finished',
    level: levelOf[settlement.status],
    message: run.error ?? `The run ${settlement.status}.`,
    data: {
      status: settlement.status,
      errorCode: run.errorCode,
      exitCode: run.exitCode,
      signal: run.signal,
      retryRunId,
      ...(wantedRetry && retryRunId === null ? { noRetryReason } : {}),
      ...(settlement.detail ?? {}),
    },
  });
  unit.liveEvent(run.companyId, 'run-finished', runLiveData(run));
}

function count(dependencies: SupervisorDependencies, run: Run, settlement: Settlement, isRetried: boolean): void {
  const { metrics } = dependencies;
  // Adapters may make up codes; as labels they would grow without bound.
  const code = run.errorCode === null || isHostFailureCode(run.errorCode) ? (run.errorCode ?? 'none') : 'adapter_specific';
  metrics.count('runs_settled_total', { status: run.status, code });
  if (isRetried) metrics.count('run_retries_total', { reason: settlement.retry });
  if (run.startedAt && run.finishedAt) {
    metrics.observe('run_duration_seconds', (run.finishedAt.getTime() - run.startedAt.getTime()) / 1000, { status: run.status });
  }
}
