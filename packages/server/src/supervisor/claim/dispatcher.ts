import type { ActiveRuns } from '../execute/active-runs.js';
import type { Assignment } from '../execute/execution-host.js';
import { createLoop, type Loop } from '../loops/loop.js';
import type { InstanceLease } from '../ownership/instance-lease.js';
import { settleRun } from '../settle/settle-run.js';
import { cancelledSettlement } from '../settle/settlement.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { type ClaimPass, claimRuns } from './claim-runs.js';
import { hasExclusions, noExclusions } from './claim-slots.js';
import { createFirstHeartbeats } from './first-heartbeats.js';

/**
 * Hands queued runs to free slots: at once when told (`trigger`), and every `claimIntervalMs` for what became due or was
 * queued by another instance.
 */
export interface Dispatcher extends Loop {
  /** One pass, for tests and for the loop. Resolves with the number of runs started. */
  runOnce(): Promise<number>;
  /** A slot became free: looks again only when the last pass left something for want of one. */
  slotFreed(): void;
}

export function createDispatcher(
  dependencies: SupervisorDependencies,
  options: {
    readonly lease: InstanceLease;
    readonly activeRuns: ActiveRuns;
    readonly begin: (assignment: Assignment) => void;
    /** Called for each run that was closed without being started. */
    readonly onClosed: (closed: Awaited<ReturnType<typeof settleRun>>) => void;
  },
): Dispatcher {
  const { activeRuns, lease } = options;
  const firstHeartbeats = createFirstHeartbeats(dependencies.telemetry);

  const closeSenseless = async (senseless: ClaimPass['senseless']): Promise<void> => {
    for (const { run, reason } of senseless) {
      const settlement = cancelledSettlement(`Not started: ${reason}.`, { detail: { skipped: true } });
      options.onClosed(
        await settleRun(
          dependencies,
          run,
          { ...settlement, error: { code: 'issue_stale', message: `Not started: ${reason}.` } },
          { wakeupSkippedReason: reason },
        ),
      );
    }
  };
  // Whether the last pass may have left a claimable run behind because nothing was free for it.
  let hasLeftSome = true;
  const runOnce = async (): Promise<number> => {
    const exclusions = noExclusions();
    let startedCount = 0;
    hasLeftSome = true;
    for (;;) {
      const free = dependencies.settings.maxConcurrentRuns - activeRuns.count();
      if (free <= 0 || !lease.isHeld()) return startedCount;
      const pass = await claimRuns(dependencies, {
        instanceId: lease.instanceId(),
        free,
        runningOfSlot: activeRuns.countOfSlot,
        exclusions,
        firstHeartbeats,
      });
      for (const assignment of pass.started) options.begin(assignment);
      startedCount += pass.started.length;
      await closeSenseless(pass.senseless);
      if (pass.hasMore) continue;
      hasLeftSome = hasExclusions(exclusions);
      return startedCount;
    }
  };

  const loop = createLoop({
    ...dependencies,
    name: 'claim',
    intervalMs: dependencies.settings.claimIntervalMs,
    pass: runOnce,
  });
  return {
    ...loop,
    runOnce,
    slotFreed() {
      if (hasLeftSome) loop.trigger();
    },
  };
}
