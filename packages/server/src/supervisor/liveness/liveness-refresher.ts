import { errorCodeOf, errorMessageOf, type RunId } from '../model/index.js';
import type { LivenessRefresh } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';

/** What of a followed run the refresh writes; updated by the run's execution as output is stored. */
export interface FollowedRun {
  readonly runId: RunId;
  readonly ownerEpoch: number;
  /** When the row was last refreshed by a write of its own (claim, handle, status), by the monotonic clock. */
  refreshedAtMs: number;
  /** Last sign of life, by the monotonic clock. */
  aliveAtMs: number;
  lastOutputAt: Date | null;
  logBytes: number;
  logCursor: string | null;
  /** The row carries a warning that activity clears. */
  hasWarning: boolean;
}

/**
 * Carries proof of life into `updatedAt`: at most once per run and `livenessRefreshThrottleMs`, all due runs of one tick in
 * one statement. An entry lives as long as its run is followed here. A refresh that fails is told and counted, and comes
 * again with the next tick; it never touches the run.
 */
export interface LivenessRefresher {
  follow(run: FollowedRun): void;
  unfollow(runId: RunId): void;
  /** One tick; called by its loop, and by tests. */
  runOnce(): Promise<void>;
  readonly followedCount: number;
}

export function createLivenessRefresher(
  dependencies: SupervisorDependencies,
  options: {
    readonly isLeaseHeld: () => boolean;
    /** The row has a new owner or ended: our execution must stop. */
    readonly onRefused: (runId: RunId) => void;
  },
): LivenessRefresher {
  const { clock, logger, metrics, settings, store } = dependencies;
  const followed = new Map<RunId, FollowedRun>();

  const isDue = (run: FollowedRun, nowMs: number): boolean =>
    run.aliveAtMs > run.refreshedAtMs && (run.hasWarning || nowMs - run.refreshedAtMs >= settings.livenessRefreshThrottleMs);

  return {
    follow(run) {
      followed.set(run.runId, run);
    },
    unfollow(runId) {
      followed.delete(runId);
    },
    async runOnce() {
      if (!options.isLeaseHeld()) return;
      const nowMs = clock.monotonicMs();
      const nowTime = clock.now().getTime();
      const due = [...followed.values()].filter((run) => isDue(run, nowMs));
      if (due.length === 0) return;
      const batch = due.map(
        (run): LivenessRefresh => ({
          runId: run.runId,
          ownerEpoch: run.ownerEpoch,
          updatedAt: new Date(nowTime - (nowMs - run.aliveAtMs)),
          lastOutputAt: run.lastOutputAt,
          logBytes: run.logBytes,
          logCursor: run.logCursor,
          isWarningCleared: run.hasWarning,
        }),
      );
      try {
        const { refused } = await store.refreshLiveness(batch);
        for (const run of due) {
          run.refreshedAtMs = nowMs;
          run.hasWarning = false;
        }
        metrics.count('liveness_refreshes_total', {}, due.length);
        for (const runId of refused) options.onRefused(runId);
      } catch (error) {
        metrics.count('liveness_refresh_errors_total', {}, due.length);
        logger.error(
          { runs: due.length, code: errorCodeOf(error), error: errorMessageOf(error) },
          'proof of life could not be written; tried again',
        );
      }
    },
    get followedCount() {
      return followed.size;
    },
  };
}
