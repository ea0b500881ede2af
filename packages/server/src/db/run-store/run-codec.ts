import type { NewRun, Run } from '../../supervisor/model/index.js';
import { runFromNew } from '../../supervisor/model/index.js';
import { heartbeatRuns } from '../schema/index.js';
import { tableCodec } from '../table-codec.js';
import { placementKey } from './placement-key.js';

export const runCodec = tableCodec(heartbeatRuns, ['queueRank', 'placementKey', 'insertionId']);

/** One step of priority is worth this much waiting in the stored order of claiming; the setting's default. */
export const storedAgeingMs = 60_000;

/** The columns that a run has only in the database, after those of `runCodec.keys`. */
export const derivedColumns = ['"queue_rank"', '"placement_key"'];

export function runFromRow(values: readonly unknown[]): Run {
  return runCodec.rowFrom(values);
}

export function parametersFromNewRun(newRun: NewRun): unknown[] {
  const run = runFromNew(newRun);
  const queueRank = run.createdAt.getTime() - run.priority * storedAgeingMs;
  return [...runCodec.parameters(run), queueRank, placementKey(run.contextSnapshot.placement)];
}
