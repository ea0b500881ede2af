import type { FollowedRun } from '../liveness/liveness-refresher.js';
import type { Run, RunPatch } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import { createRunStop, type RunStop } from './run-stop.js';

/**
 * What one execution knows of its run, and the only place where that changes: the row as we last wrote it, the signs of
 * life, and whether it was asked to end.
 */
export interface ExecutionRecord {
  readonly run: () => Run;
  readonly stop: RunStop;
  /** Read by the refresher; its log members are kept current by `stored`. */
  readonly followed: FollowedRun;
  /** Last call of the adapter, by the monotonic clock: what idleness is measured from. */
  readonly lastActivityMs: () => number;
  /** The adapter called; this is activity, and proof of life only with what follows. */
  touch(): void;
  /** Proof of life. */
  alive(): void;
  /** A takeover did not kill its host: the first sign of life after it, or some time of it. */
  proveReattached(): void;
  stored(end: { readonly logBytes: number; readonly logCursor: string | null }): void;
  /** What the stored log changes of the row, for a write that is made anyway; empty when nothing was stored. */
  logEnd(): Pick<RunPatch, 'logBytes' | 'logCursor' | 'lastOutputAt'>;
  /** The row was written in another way (the handle). */
  learn(change: RunPatch): void;
  /** Writes to the row, guarded by our epoch; when that is over the run is fenced. */
  patch(change: RunPatch): Promise<void>;
}

export function createExecutionRecord(
  dependencies: SupervisorDependencies,
  host: ExecutionHost,
  assignment: Assignment,
): ExecutionRecord {
  const { clock, store } = dependencies;
  const stop = createRunStop();
  let run = assignment.run;
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
  const record: ExecutionRecord = {
    run: () => run,
    stop,
    followed,
    lastActivityMs: () => lastActivityMs,
    touch() {
      lastActivityMs = clock.monotonicMs();
    },
    alive() {
      record.touch();
      followed.aliveAtMs = lastActivityMs;
      record.proveReattached();
    },
    proveReattached() {
      if (isProven || stop.reason()) return;
      isProven = true;
      const proven = { phase: 'attached', instanceDeathCount: 0, unknownSince: null, nextProbeAt: null } as const;
      host.background.track(`proof of life of run ${run.id}`, record.patch({ ...proven, updatedAt: clock.now() }));
    },
    stored({ logBytes, logCursor }) {
      Object.assign(followed, { logBytes, logCursor, lastOutputAt: clock.now() });
      record.alive();
    },
    logEnd() {
      const { logBytes, logCursor, lastOutputAt } = followed;
      // A log that nothing was written to was never opened: what an earlier owner stored still counts.
      return logBytes > 0 ? { logBytes, logCursor, lastOutputAt } : {};
    },
    learn(change) {
      run = { ...run, ...change };
      followed.refreshedAtMs = clock.monotonicMs();
    },
    async patch(change) {
      const guard = { id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' } as const;
      if ((await store.transaction((tx) => tx.patchRun(guard, change))) === 'stale') stop.stop({ kind: 'fenced' });
      else run = { ...run, ...change };
    },
  };
  return record;
}
