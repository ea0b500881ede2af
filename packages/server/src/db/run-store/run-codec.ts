import type { NewRun, Run } from '../../supervisor/model/index.js';
import { heartbeatRuns } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';
import { placementKey } from './placement-key.js';

export const runCodec = tableCodec(heartbeatRuns, ['queueRank', 'placementKey', 'insertionId']);

/** One step of priority is worth this much waiting in the stored order of claiming; the setting's default. */
export const storedAgeingMs = 60_000;

export function runFromRow(values: readonly unknown[]): Run {
  return runCodec.rowFrom(values);
}

const givenKeys = [
  'id',
  'companyId',
  'agentId',
  'adapterType',
  'invocationSource',
  'wakeupRequestId',
  'issueId',
  'taskKey',
  'contextSnapshot',
  'priority',
  'notBefore',
  'timeoutMs',
  'idleTimeoutMs',
  'retryOfRunId',
  'processLossRetryCount',
  'transientRetryCount',
  'createdAt',
] as const satisfies readonly (keyof NewRun)[];

/** What every new run begins with, as SQL; all other columns begin as null. */
const firstValues = {
  status: `'queued'`,
  ownerEpoch: '0',
  attempt: '0',
  logBytes: '0',
  instanceDeathCount: '0',
  updatedAt: `$${givenKeys.indexOf('createdAt') + 1}`,
} as const satisfies Partial<Record<keyof Run, string>>;

/** Writes the row that `runFromNew` describes; only what differs between runs is a parameter. */
export const insertRunStatement = {
  name: 'run_insert',
  text: `INSERT INTO heartbeat_runs (${[
    ...[...givenKeys, ...(Object.keys(firstValues) as (keyof typeof firstValues)[])].map((key) => runCodec.columnName(key)),
    '"queue_rank"',
    '"placement_key"',
  ].join(', ')})
    VALUES (${placeholders(givenKeys.length)}, ${Object.values(firstValues).join(', ')}, ${placeholders(2, givenKeys.length + 1)})`,
};

export function parametersFromNewRun(run: NewRun): unknown[] {
  const queueRank = run.createdAt.getTime() - run.priority * storedAgeingMs;
  const placement = placementKey(run.contextSnapshot.placement);
  return [...givenKeys.map((key) => runCodec.parameter(key, run[key])), queueRank, placement];
}
