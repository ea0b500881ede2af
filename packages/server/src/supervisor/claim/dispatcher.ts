import type { ActiveRuns } from '../execute/active-runs.js';
import type { Assignment } from '../execute/execution-host.js';
import { createLoop, type Loop } from '../loops/loop.js';
import { errorCodeOf } from '../model/index.js';
import type { InstanceLease } from '../ownership/instance-lease.js';
import { settleRun } from '../settle/settle-run.js';
import { cancelledSettlement } from '../settle/settlement.js';
import type { WakeupAnswer } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork, type UnitOfWork } from '../transaction/unit-of-work.js';
import { type ClaimPass, claimRuns } from './claim-runs.js';
import { type Exclusions, hasExclusions, noExclusions } from './claim-slots.js';
import { createClaimTurn } from './claim-turn.js';
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
  /**
   * Runs an admission, and claims within its transaction what is best then, unless a claim is under way already: so a lone
   * wake costs one commit until it runs, while many at once share their claims. Resolves after the commit.
   */
  admit(admission: (unit: UnitOfWork) => Promise<WakeupAnswer>): Promise<WakeupAnswer>;
  /** Does `work` while no claim is under way: what the database says of our runs is what this process knows of them. */
  betweenClaims<T>(work: () => Promise<T>): Promise<T>;
}

export function createDispatcher(
  dependencies: SupervisorDependencies,
  options: {
    readonly lease: InstanceLease;
    readonly activeRuns: ActiveRuns;
    readonly begin: (assignment: Assignment) => void;
    /** Called for each run that was closed without being started. */
    readonly onClosed: (closed: Awaited<ReturnType<typeof settleRun>>) => void;
    /** The database went away before it answered a claim's commit, which may have happened. */
    readonly onDoubt: () => void;
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
  const turn = createClaimTurn();
  const freeSlots = (): number => (lease.isHeld() ? dependencies.settings.maxConcurrentRuns - activeRuns.count() : 0);
  /** Admissions claim only while the loop would, too. */
  let isOpen = false;
  const claimWithin = (unit: UnitOfWork, exclusions: Exclusions): Promise<ClaimPass> =>
    claimRuns(dependencies, unit, {
      instanceId: lease.instanceId(),
      free: freeSlots(),
      runningOfSlot: activeRuns.countOfSlot,
      exclusions,
      firstHeartbeats,
    });
  const claiming = async <T>(claim: (unit: UnitOfWork) => Promise<T>): Promise<T> => {
    try {
      return await inUnitOfWork(dependencies, claim);
    } catch (error) {
      if (errorCodeOf(error) === 'database_unavailable') options.onDoubt();
      throw error;
    }
  };
  const beginAll = ({ started }: ClaimPass): void => {
    for (const assignment of started) options.begin(assignment);
  };
  // Whether the last pass may have left a claimable run behind because nothing was free for it.
  let hasLeftSome = true;
  const runOnce = async (): Promise<number> => {
    const exclusions = noExclusions();
    let startedCount = 0;
    hasLeftSome = true;
    for (;;) {
      const pass = await turn.run(async () => {
        if (freeSlots() <= 0) return null;
        const claimed = await claiming((unit) => claimWithin(unit, exclusions));
        beginAll(claimed);
        return claimed;
      });
      if (!pass) return startedCount;
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
  const admit: Dispatcher['admit'] = async (admission) => {
    const taken: { leave: (() => void) | null } = { leave: null };
    try {
      const { answer, pass, isComplete } = await claiming(async (unit) => {
        const admitted = await admission(unit);
        if (admitted.outcome !== 'queued') return { answer: admitted, pass: null, isComplete: true };
        // Taken only now that no lock is left to wait for. The store may have run us before.
        if (isOpen && freeSlots() > 0) taken.leave ??= turn.tryTake();
        if (!taken.leave) return { answer: admitted, pass: null, isComplete: false };
        const exclusions = noExclusions();
        const claimed = await claimWithin(unit, exclusions);
        const isAll = !claimed.hasMore && claimed.senseless.length === 0 && !hasExclusions(exclusions);
        return { answer: admitted, pass: claimed, isComplete: isAll };
      });
      if (pass) beginAll(pass);
      if (!isComplete) loop.trigger();
      const started = pass?.started.find(({ run }) => run.id === answer.run?.id);
      return started && answer.outcome === 'queued' ? { ...answer, run: started.run } : answer;
    } finally {
      taken.leave?.();
    }
  };
  return {
    ...loop,
    runOnce,
    admit,
    betweenClaims: turn.run,
    start() {
      isOpen = true;
      loop.start();
    },
    async stop() {
      isOpen = false;
      await loop.stop();
      // What an admission has claimed is begun before anybody ends what is running.
      await turn.run(() => Promise.resolve());
    },
    slotFreed() {
      if (hasLeftSome) loop.trigger();
    },
  };
}
