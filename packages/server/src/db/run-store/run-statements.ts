import type { AgentId, IssueId, NewRun, Run, RunId, RunPatch, RunStatus, WakeupSource } from '../../supervisor/model/index.js';
import type { CompareAndSet } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { textParameter, uuidParameter } from '../parameters.js';
import { type NamedStatements, namedStatements } from './named-statements.js';
import { placementKey } from './placement-key.js';
import { insertRunStatement, parametersFromNewRun, runCodec, runFromRow, storedAgeingMs } from './run-codec.js';

const columns = runCodec.columnList();
const getStatement = { name: 'run_get', text: `SELECT ${columns} FROM heartbeat_runs WHERE id = $1` };
const lockStatement = { name: 'run_lock', text: `SELECT ${columns} FROM heartbeat_runs WHERE id = $1 FOR NO KEY UPDATE` };
const queuedOfIssueStatement = {
  name: 'run_queued_of_issue',
  text: `SELECT ${columns} FROM heartbeat_runs WHERE status = 'queued' AND agent_id = $1 AND issue_id = $2
    ORDER BY created_at, insertion_id LIMIT 1 FOR NO KEY UPDATE`,
};
// The timer asks with every tick, so its literal has an index of its own; an agent may have a long queue beside it.
const queuedOfTimerStatement = {
  name: 'run_queued_of_timer',
  text: `SELECT ${columns} FROM heartbeat_runs
    WHERE status = 'queued' AND invocation_source = 'timer' AND agent_id = $1 AND issue_id IS NULL
    ORDER BY created_at, insertion_id LIMIT 1 FOR NO KEY UPDATE`,
};
const queuedOfSourceStatement = {
  name: 'run_queued_of_source',
  text: `SELECT ${columns} FROM heartbeat_runs
    WHERE status = 'queued' AND agent_id = $1 AND issue_id IS NULL AND ($2::text IS NULL OR invocation_source = $2)
    ORDER BY queue_rank LIMIT 1 FOR NO KEY UPDATE`,
};
const lastOfIssueStatement = {
  name: 'run_last_of_issue',
  text: `SELECT ${columns} FROM heartbeat_runs WHERE issue_id = $1 ORDER BY created_at DESC, insertion_id DESC LIMIT 1`,
};

export async function getRun(executor: Executor, id: RunId): Promise<Run | null> {
  return firstRun(await runStatement(executor, getStatement, [uuidParameter(id)]));
}

export async function lockRun(executor: Executor, id: RunId): Promise<Run | null> {
  return firstRun(await runStatement(executor, lockStatement, [uuidParameter(id)]));
}

export async function insertRun(executor: Executor, run: NewRun): Promise<void> {
  await runStatement(executor, insertRunStatement, parametersFromNewRun(run));
}

export async function findQueuedRun(
  executor: Executor,
  query: { readonly agentId: AgentId; readonly issueId: IssueId | null; readonly source?: WakeupSource },
): Promise<Run | null> {
  const agentId = uuidParameter(query.agentId);
  if (query.issueId !== null) {
    return firstRun(await runStatement(executor, queuedOfIssueStatement, [agentId, uuidParameter(query.issueId)]));
  }
  if (query.source === 'timer') return firstRun(await runStatement(executor, queuedOfTimerStatement, [agentId]));
  return firstRun(await runStatement(executor, queuedOfSourceStatement, [agentId, query.source ?? null]));
}

export async function getLastRunOfIssue(executor: Executor, issueId: IssueId): Promise<Run | null> {
  return firstRun(await runStatement(executor, lastOfIssueStatement, [uuidParameter(issueId)]));
}

const moveStatements = namedStatements('run_move');
const patchStatements = namedStatements('run_patch');

export async function moveRun(
  executor: Executor,
  guard: { readonly id: RunId; readonly from: readonly RunStatus[]; readonly ownerEpoch?: number },
  to: RunStatus,
  patch: RunPatch,
): Promise<CompareAndSet> {
  return update(
    executor,
    moveStatements,
    [`status = $2`],
    [to],
    patch,
    [{ sql: (n) => `status = ANY($${n}::text[])`, value: guard.from }, ...epochGuard(guard.ownerEpoch)],
    guard.id,
  );
}

export async function patchRun(
  executor: Executor,
  guard: { readonly id: RunId; readonly ownerEpoch?: number; readonly status?: RunStatus },
  patch: RunPatch,
): Promise<CompareAndSet> {
  // An epoch belongs to an execution, so it also asks for `running`.
  const status = guard.status ?? (guard.ownerEpoch === undefined ? undefined : 'running');
  return update(
    executor,
    patchStatements,
    [],
    [],
    patch,
    [...(status === undefined ? [] : [{ sql: (n: number) => `status = $${n}`, value: status }]), ...epochGuard(guard.ownerEpoch)],
    guard.id,
  );
}

interface Guard {
  readonly sql: (parameter: number) => string;
  readonly value: unknown;
}

function epochGuard(ownerEpoch: number | undefined): Guard[] {
  return ownerEpoch === undefined ? [] : [{ sql: (n) => `owner_epoch = $${n}`, value: ownerEpoch }];
}

/** Parameters: $1 the id, then the fixed ones, the patch in its order of members, the guards. */
async function update(
  executor: Executor,
  statements: NamedStatements,
  fixedSets: readonly string[],
  fixedValues: readonly unknown[],
  patch: RunPatch,
  guards: readonly Guard[],
  id: RunId,
): Promise<CompareAndSet> {
  const keys = (Object.keys(patch) as (keyof RunPatch)[]).filter((key) => patch[key] !== undefined);
  const isPlacementChanged = patch.contextSnapshot !== undefined;
  const values = [
    uuidParameter(id),
    ...fixedValues,
    ...keys.map((key) => runCodec.parameter(key, patch[key])),
    ...(isPlacementChanged ? [textOrNull(placementKey(patch.contextSnapshot?.placement))] : []),
    ...guards.map((guard) => guard.value),
  ];
  const statement = statements(`${keys.join()}|${guards.map((guard) => guard.sql(0)).join()}`, () => {
    let next = 2 + fixedValues.length;
    const sets = [...fixedSets];
    for (const key of keys) {
      sets.push(`${runCodec.columnName(key)} = $${next}`);
      if (key === 'priority') {
        sets.push(
          `queue_rank = floor(extract(epoch FROM created_at) * 1000)::bigint - ($${next}::integer)::bigint * ${storedAgeingMs}`,
        );
      }
      next += 1;
    }
    if (isPlacementChanged) sets.push(`placement_key = $${next++}`);
    // Nothing to change still asks whether the guard holds.
    if (sets.length === 0) sets.push('id = id');
    const conditions = ['id = $1', ...guards.map((guard) => guard.sql(next++))];
    return `UPDATE heartbeat_runs SET ${sets.join(', ')} WHERE ${conditions.join(' AND ')}`;
  });
  const { rowCount } = await runStatement(executor, statement, values);
  return rowCount === 1 ? 'moved' : 'stale';
}

function textOrNull(value: string | null): string | null {
  return value === null ? null : textParameter(value);
}

function firstRun(result: { readonly rows: readonly (readonly unknown[])[] }): Run | null {
  const row = result.rows[0];
  return row === undefined ? null : runFromRow(row);
}
