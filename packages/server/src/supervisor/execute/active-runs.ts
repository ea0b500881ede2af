import type { Run, RunId } from '../model/index.js';
import type { RunExecution } from './run-execution.js';

/** The runs that this process follows now. One entry per run, from the claim or adoption until its end is written. */
export interface ActiveRuns {
  add(execution: RunExecution): void;
  remove(runId: RunId): void;
  get(runId: RunId): RunExecution | null;
  readonly ids: () => readonly RunId[];
  readonly all: () => readonly RunExecution[];
  readonly count: () => number;
  /** Runs that use one adapter in one place; see `slotKey`. */
  readonly countOfSlot: (key: string) => number;
}

/** An adapter's `maxConcurrentRuns` counts for one place: a runner's adapter is another one than the server's. */
export function slotKey(run: Pick<Run, 'adapterType' | 'contextSnapshot'>): string {
  const { placement } = run.contextSnapshot;
  return placement === null ? run.adapterType : `${run.adapterType} ${JSON.stringify(placement)}`;
}

export function createActiveRuns(): ActiveRuns {
  const runs = new Map<RunId, RunExecution>();
  const perSlot = new Map<string, number>();
  const addTo = (key: string, change: number): void => {
    perSlot.set(key, (perSlot.get(key) ?? 0) + change);
  };
  return {
    add(execution) {
      runs.set(execution.runId, execution);
      addTo(slotKey(execution.run()), 1);
    },
    remove(runId) {
      const execution = runs.get(runId);
      if (!execution) return;
      runs.delete(runId);
      addTo(slotKey(execution.run()), -1);
    },
    get: (runId) => runs.get(runId) ?? null,
    ids: () => [...runs.keys()],
    all: () => [...runs.values()],
    count: () => runs.size,
    countOfSlot: (key) => perSlot.get(key) ?? 0,
  };
}
