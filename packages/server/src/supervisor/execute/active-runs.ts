import type { RunId } from '../model/index.js';
import type { RunExecution } from './run-execution.js';

/** The runs that this process follows now. One entry per run, from the claim or adoption until its end is written. */
export interface ActiveRuns {
  add(execution: RunExecution): void;
  remove(runId: RunId): void;
  get(runId: RunId): RunExecution | null;
  readonly ids: () => readonly RunId[];
  readonly all: () => readonly RunExecution[];
  readonly count: () => number;
  readonly countOfAdapter: (adapterType: string) => number;
}

export function createActiveRuns(): ActiveRuns {
  const runs = new Map<RunId, RunExecution>();
  const perAdapter = new Map<string, number>();
  const addTo = (adapterType: string, change: number): void => {
    perAdapter.set(adapterType, (perAdapter.get(adapterType) ?? 0) + change);
  };
  return {
    add(execution) {
      runs.set(execution.runId, execution);
      addTo(execution.adapterType, 1);
    },
    remove(runId) {
      const execution = runs.get(runId);
      if (!execution) return;
      runs.delete(runId);
      addTo(execution.adapterType, -1);
    },
    get: (runId) => runs.get(runId) ?? null,
    ids: () => [...runs.keys()],
    all: () => [...runs.values()],
    count: () => runs.size,
    countOfAdapter: (adapterType) => perAdapter.get(adapterType) ?? 0,
  };
}
