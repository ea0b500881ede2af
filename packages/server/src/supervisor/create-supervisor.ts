import { admitWakeup } from './admit/admit-wakeup.js';
import { retryFinishedRun } from './admit/retry-finished-run.js';
import { wakeByTimer } from './admit/timer-wakes.js';
import { createDispatcher } from './claim/dispatcher.js';
import { createActiveRuns } from './execute/active-runs.js';
import { createExecutionDesk } from './execute/execution-desk.js';
import { createSettledWaiters } from './execute/settled-waiters.js';
import { withinLimit } from './execute/within-limit.js';
import { explainRun } from './explain/explain-run.js';
import { createIssueOperations } from './issues/issue-operations.js';
import { createLivenessRefresher } from './liveness/liveness-refresher.js';
import { reportActivity } from './liveness/report-activity.js';
import { createBackgroundWork } from './loops/background-work.js';
import { createLoop } from './loops/loop.js';
import { errorMessageOf, type RunId, SupervisorError } from './model/index.js';
import { createInstanceLease } from './ownership/instance-lease.js';
import { pollCancelRequests } from './recover/cancel-poll.js';
import { livingInstances, sweepOrphanedRuns } from './recover/orphan-sweep.js';
import { recoverRun } from './recover/recover-run.js';
import { findUnansweredClaims } from './recover/unanswered-claims.js';
import { requestCancel } from './settle/request-cancel.js';
import { createSettleDesk } from './settle/settle-desk.js';
import type { SettleAnswer } from './settle/settle-run.js';
import { reconcileStrandedIssues } from './stranded/reconcile-stranded-issues.js';
import type { Supervisor } from './supervisor.js';
import type { SupervisorDependencies } from './supervisor-dependencies.js';

/** The throttled refresh is looked at this often; one statement carries all runs that are due. */
const livenessTickMs = 5_000;
/** The start waits no longer than this for suspects to be looked at; the rest is done beside the loops. */
const longestFirstSweepMs = 2_000;

/**
 * The supervisor of one server process. States: `new` → `running` (`start`) → `stopped` (`stop`, for good). Reads in the
 * order of a run's life: admit → claim → execute (logs, liveness) → settle; ownership, recover and stranded watch over it.
 */
export function createSupervisor(dependencies: SupervisorDependencies): Supervisor {
  const { clock, logger, settings, store } = dependencies;
  const background = createBackgroundWork(logger);
  const activeRuns = createActiveRuns();
  const unfollowed = new Set<RunId>();
  const inRecovery = new Set<RunId>();
  const stopWaiting = new AbortController();
  const waiters = createSettledWaiters(dependencies, stopWaiting.signal);
  let state: 'new' | 'running' | 'stopped' = 'new';
  // A claim was not answered; the next sweep looks for runs that became ours by it.
  let isClaimInDoubt = false;
  // From here on this instance has listened; silence before may have been its own.
  let listeningSinceMs = clock.monotonicMs();

  const lease = createInstanceLease(dependencies, {
    onLost: () => {
      for (const execution of activeRuns.all()) execution.stop({ kind: 'fenced' });
      unfollowed.clear();
    },
  });
  const liveness = createLivenessRefresher(dependencies, {
    isLeaseHeld: lease.isHeld,
    onRefused: (runId) => activeRuns.get(runId)?.stop({ kind: 'fenced' }),
  });
  const onSettled = (answer: SettleAnswer): void => {
    if (answer.outcome === 'stale') return;
    waiters.notify(answer.run);
    dependencies.liveFeed.logCompleted(answer.run.id);
    if (answer.retryRunId !== null || answer.promotedRunIds.length > 0) dispatcher.trigger();
    else dispatcher.slotFreed();
  };
  const desk = createExecutionDesk(dependencies, {
    host: {
      isLeaseHeld: lease.isHeld,
      liveness,
      background,
      settleDesk: createSettleDesk(dependencies),
      stopSignal: stopWaiting.signal,
    },
    activeRuns,
    background,
    unfollowed,
    onSettled,
    onFreed: () => dispatcher.slotFreed(),
    recover: (runId) => recoverOne(runId),
  });
  const dispatcher = createDispatcher(dependencies, {
    lease,
    activeRuns,
    begin: desk.begin,
    onClosed: onSettled,
    onDoubt() {
      isClaimInDoubt = true;
    },
  });
  const recoveryHost = {
    lease,
    activeRuns,
    isWarm: () => clock.monotonicMs() - listeningSinceMs >= settings.livenessStaleAfterMs,
    begin: desk.begin,
    onSettled,
    unfollowed,
    inRecovery,
  };
  const recoverOne = async (runId: RunId): Promise<void> => {
    const run = await store.getRun(runId);
    if (run?.status !== 'running') return;
    await recoverRun(
      dependencies,
      { ...recoveryHost, livingInstanceIds: await livingInstances(dependencies, recoveryHost) },
      run,
    );
  };
  const reap = async (): ReturnType<Supervisor['reapOrphanedRuns']> => {
    if (!lease.isHeld()) return { reaped: 0, runIds: [] };
    if (isClaimInDoubt) {
      const unanswered = await dispatcher.betweenClaims(() => findUnansweredClaims(dependencies, recoveryHost));
      isClaimInDoubt = false;
      for (const id of unanswered) unfollowed.add(id);
    }
    return sweepOrphanedRuns(dependencies, recoveryHost);
  };

  const loop = (name: string, intervalMs: number, pass: () => Promise<unknown>) =>
    createLoop({ ...dependencies, name, intervalMs, pass });
  const whileHeld = (pass: () => Promise<unknown>) => async (): Promise<void> => {
    if (lease.isHeld()) await pass();
  };
  const reaper = loop(
    'reaper',
    settings.reapIntervalMs,
    whileHeld(async () => {
      await reap();
      await reconcileStrandedIssues(dependencies);
      dispatcher.trigger();
      await tellNumbers(dependencies, activeRuns.count());
    }),
  );
  const renewal = loop('lease', settings.instanceRenewMs, async () => {
    const { isNew } = await lease.renew();
    if (!isNew) return;
    listeningSinceMs = clock.monotonicMs();
    reaper.trigger();
  });
  const timers = loop(
    'timers',
    settings.timerIntervalMs,
    whileHeld(async () => {
      const answers = await wakeByTimer(dependencies);
      if (answers.some((answer) => answer.outcome === 'queued')) dispatcher.trigger();
    }),
  );
  const cancels = loop(
    'cancels',
    settings.claimIntervalMs,
    whileHeld(() => pollCancelRequests(dependencies, recoveryHost)),
  );
  const refresh = loop('liveness', Math.min(livenessTickMs, settings.livenessRefreshThrottleMs), () => liveness.runOnce());
  const loops = [renewal, dispatcher, reaper, timers, cancels, refresh];

  const refuseStopped = (): void => {
    if (state === 'stopped')
      throw new SupervisorError('supervisor_stopped', 'The server is shutting down; try again when it is back.');
  };
  const stopWatching = dependencies.adapters.onChange(() => {
    // Whatever waited for an adapter may go on: queued runs, and running ones whose adapter was missing.
    if (state !== 'running') return;
    dispatcher.trigger();
    reaper.trigger();
  });

  const shutDown = async (): Promise<void> => {
    stopWatching();
    await Promise.all(loops.filter((each) => each !== renewal).map((each) => each.stop()));
    for (const execution of activeRuns.all()) execution.stop({ kind: 'host_shutdown' });
    await background.idle();
  };

  return {
    async start() {
      if (state !== 'new') throw new SupervisorError('invalid_state', 'A supervisor is started once.');
      await lease.register();
      state = 'running';
      listeningSinceMs = clock.monotonicMs();
      const firstSweep = reap();
      background.track('first sweep', firstSweep);
      // A probe into a network that swallows everything must not keep the server from becoming ready.
      await withinLimit(clock, longestFirstSweepMs, () => firstSweep);
      for (const each of loops) each.start();
      dispatcher.trigger();
    },
    async stop() {
      if (state === 'stopped') return;
      state = 'stopped';
      const { isLate } = await withinLimit(clock, settings.shutdownGraceMs * 0.9, () => shutDown());
      if (isLate) logger.warn({ runs: activeRuns.ids() }, 'shutdown ran out of time; the next start takes these runs over');
      stopWaiting.abort();
      try {
        await withinLimit(clock, settings.shutdownGraceMs * 0.1, async () => {
          await renewal.stop();
          await lease.end();
        });
      } catch (error) {
        // Without a database the lease runs out by itself.
        logger.warn({ error: errorMessageOf(error) }, 'the end of this instance could not be written');
      }
    },
    async enqueueWakeup(input) {
      refuseStopped();
      const answer = await dispatcher.admit((unit) => admitWakeup(unit, input));
      dependencies.metrics.count('wakeups_total', { source: input.source, outcome: answer.outcome });
      return answer;
    },
    async cancelRun(id, options) {
      const { run, answer } = await requestCancel(dependencies, id, options);
      if (answer) onSettled(answer);
      if (run.status !== 'running') return run;
      const execution = activeRuns.get(id);
      if (execution) execution.stop({ kind: 'cancelled', message: run.cancelReason ?? 'Cancelled.' });
      else cancels.trigger();
      return run;
    },
    async retryRun(id, actor) {
      refuseStopped();
      const answer = await retryFinishedRun(dependencies, id, actor);
      dispatcher.trigger();
      return answer;
    },
    reportRunActivity: (id) => reportActivity(dependencies, activeRuns, id),
    reapOrphanedRuns: reap,
    async reconcileStrandedAssignedIssues() {
      const answer = await reconcileStrandedIssues(dependencies);
      dispatcher.trigger();
      return answer;
    },
    explainRun: (id) => explainRun(dependencies, id, { isFollowed: activeRuns.get(id) !== null, running: activeRuns.count() }),
    issues: createIssueOperations(dependencies, { onQueued: () => dispatcher.trigger() }),
    activeRunIds: activeRuns.ids,
    whenSettled: waiters.wait,
    isLeaseHeld: lease.isHeld,
    instanceId: lease.instanceId,
  };
}

async function tellNumbers(dependencies: SupervisorDependencies, running: number): Promise<void> {
  const { clock, metrics, store } = dependencies;
  const counts = await store.countRuns();
  metrics.gauge('runs_queued', counts.queued);
  metrics.gauge('runs_running', counts.running);
  metrics.gauge('runs_followed', running);
  const ageMs = counts.oldestQueuedAt === null ? 0 : clock.now().getTime() - counts.oldestQueuedAt.getTime();
  metrics.gauge('oldest_queued_run_age_seconds', Math.max(0, ageMs / 1000));
}
