import { wait } from '../loops/wait.js';
import { isTerminalRunStatus, type Run, type RunId, SupervisorError } from '../model/index.js';
import type { Clock, RunStore } from '../ports/index.js';

/** How often a run that another instance may settle is looked at. */
const lookEveryMs = 1_000;

/** Lets callers wait for the end of a run: told at once when it ends here, noticed within a second when elsewhere. */
export interface SettledWaiters {
  wait(id: RunId): Promise<Run>;
  notify(run: Run): void;
}

export function createSettledWaiters(
  dependencies: { readonly store: RunStore; readonly clock: Clock },
  stopSignal: AbortSignal,
): SettledWaiters {
  const waiting = new Map<RunId, Set<(run: Run) => void>>();
  return {
    async wait(id) {
      const told = new AbortController();
      let settled: Run | null = null;
      const listener = (run: Run): void => {
        settled = run;
        told.abort();
      };
      const listeners = waiting.get(id) ?? new Set();
      waiting.set(id, listeners.add(listener));
      const signal = AbortSignal.any([told.signal, stopSignal]);
      try {
        for (;;) {
          if (settled) return settled;
          const run = await dependencies.store.getRun(id);
          if (!run) throw new SupervisorError('run_not_found', `There is no run ${id}.`);
          if (isTerminalRunStatus(run.status)) return run;
          if (stopSignal.aborted) throw new SupervisorError('supervisor_stopped', `The server stopped before run ${id} ended.`);
          await wait(dependencies.clock, lookEveryMs, signal);
        }
      } finally {
        listeners.delete(listener);
        if (listeners.size === 0) waiting.delete(id);
      }
    },
    notify(run) {
      for (const listener of waiting.get(run.id) ?? []) listener(run);
    },
  };
}
