import type { InstanceId, Run, RunId } from '../../supervisor/model/index.js';
import type { LivenessRefresh, RunStore } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { jsonParameter, uuidParameter } from '../parameters.js';
import { runCodec, runFromRow } from './run-codec.js';

/** No sweep looks at more rows than this, and none reads more. */
const maxRows = 10_000;

// Each part below finds its rows by one partial index and takes no more than it may return, so the cost follows the
// number of suspects, not of runs. The owners of running runs are found by jumping from one to the next in an index,
// since there are few of them. The last
// step takes ids from an array and not from a join, for which the planner would expect thousands and read the whole table.
const isDue = `(r.next_probe_at IS NULL OR r.next_probe_at <= $1)`;
const candidatesStatement = {
  name: 'run_recovery_candidates',
  text: `WITH RECURSIVE owners AS (
      (SELECT r.owner_instance_id AS id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.owner_instance_id IS NOT NULL ORDER BY r.owner_instance_id LIMIT 1)
      UNION ALL
      SELECT (SELECT r.owner_instance_id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.owner_instance_id > owners.id ORDER BY r.owner_instance_id LIMIT 1)
      FROM owners WHERE owners.id IS NOT NULL
    ), dead AS (
      SELECT owners.id FROM owners WHERE owners.id IS NOT NULL AND owners.id <> $3 AND NOT EXISTS (
        SELECT 1 FROM server_instances i WHERE i.id = owners.id AND i.ended_at IS NULL AND i.lease_expires_at > $1)
    ), suspects AS (
      SELECT orphan.id FROM dead CROSS JOIN LATERAL (
        SELECT r.id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.owner_instance_id = dead.id AND ${isDue} ORDER BY r.updated_at LIMIT $4) orphan
      UNION
      SELECT overdue.id FROM dead CROSS JOIN LATERAL (
        SELECT r.id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.deadline_at IS NOT NULL AND r.deadline_at <= $1 AND r.owner_instance_id = dead.id
        ORDER BY r.deadline_at LIMIT $4) overdue
      UNION
      (SELECT r.id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.owner_instance_id IS NULL AND (${isDue} OR r.deadline_at <= $1) ORDER BY r.updated_at LIMIT $4)
      UNION
      (SELECT r.id FROM heartbeat_runs r
        WHERE r.status = 'running' AND r.updated_at < $2 AND ${isDue} ORDER BY r.updated_at LIMIT $4)
    )
    SELECT ${runCodec.columnList('r')} FROM heartbeat_runs r
    WHERE r.id = ANY (ARRAY(SELECT id FROM suspects)) AND r.status = 'running' ORDER BY r.updated_at, r.insertion_id LIMIT $4`,
};

const isNobodysButMine = `(r.owner_instance_id = $1 OR r.owner_instance_id IS NULL OR NOT EXISTS (
      SELECT 1 FROM server_instances i WHERE i.id = r.owner_instance_id AND i.ended_at IS NULL AND i.lease_expires_at > $2))`;
const cancelsStatement = {
  name: 'run_cancel_requests',
  text: `SELECT ${runCodec.columnList('r')} FROM heartbeat_runs r
    WHERE r.status = 'running' AND r.cancel_requested_at IS NOT NULL AND ${isNobodysButMine}
    ORDER BY r.cancel_requested_at LIMIT $3`,
};
const ownedStatement = {
  name: 'run_owned',
  text: `SELECT ${runCodec.columnList('r')} FROM heartbeat_runs r
    WHERE r.status = 'running' AND r.owner_instance_id = $1 ORDER BY r.updated_at LIMIT ${maxRows}`,
};
const refreshStatement = {
  name: 'run_refresh_liveness',
  text: `UPDATE heartbeat_runs r SET
      updated_at = greatest(r.updated_at, b.alive_at),
      last_output_at = coalesce(greatest(r.last_output_at, b.output_at), r.last_output_at),
      log_bytes = greatest(r.log_bytes, b.bytes),
      log_cursor = coalesce(b.cursor, r.log_cursor),
      warning = CASE WHEN b.cleared THEN NULL ELSE r.warning END
    FROM jsonb_to_recordset($1::jsonb) AS b (
      id uuid, epoch integer, alive_at timestamptz, output_at timestamptz, bytes bigint, cursor text, cleared boolean)
    WHERE r.id = b.id AND r.id = ANY($2::uuid[]) AND r.owner_epoch = b.epoch AND r.status = 'running'
    RETURNING r.id`,
};
const nextNotBeforeStatement = {
  name: 'run_next_not_before',
  text: `SELECT min(not_before) FROM heartbeat_runs WHERE status = 'queued' AND not_before IS NOT NULL AND not_before > $1`,
};
const countStatement = {
  name: 'run_count',
  text: `SELECT
    (SELECT count(*) FROM heartbeat_runs WHERE status = 'queued'),
    (SELECT count(*) FROM heartbeat_runs WHERE status = 'running'),
    (SELECT min(created_at) FROM heartbeat_runs WHERE status = 'queued')`,
};

export async function listRecoveryCandidates(
  executor: Executor,
  query: Parameters<RunStore['listRecoveryCandidates']>[0],
): Promise<readonly Run[]> {
  const { rows } = await runStatement(executor, candidatesStatement, [
    query.now.toISOString(),
    query.staleBefore.toISOString(),
    uuidParameter(query.instanceId),
    Math.max(0, Math.min(maxRows, query.limit)),
  ]);
  return rows.map(runFromRow);
}

export async function listCancelRequests(
  executor: Executor,
  query: Parameters<RunStore['listCancelRequests']>[0],
): Promise<readonly Run[]> {
  const { rows } = await runStatement(executor, cancelsStatement, [
    uuidParameter(query.instanceId),
    query.now.toISOString(),
    Math.max(0, Math.min(maxRows, query.limit)),
  ]);
  return rows.map(runFromRow);
}

export async function listOwnedRuns(executor: Executor, instanceId: InstanceId): Promise<readonly Run[]> {
  const { rows } = await runStatement(executor, ownedStatement, [uuidParameter(instanceId)]);
  return rows.map(runFromRow);
}

export async function refreshLiveness(
  executor: Executor,
  batch: readonly LivenessRefresh[],
): Promise<{ readonly refused: readonly RunId[] }> {
  if (batch.length === 0) return { refused: [] };
  const rows = batch.map((refresh) => ({
    id: uuidParameter(refresh.runId),
    epoch: refresh.ownerEpoch,
    alive_at: refresh.updatedAt,
    output_at: refresh.lastOutputAt,
    bytes: refresh.logBytes,
    cursor: refresh.logCursor,
    cleared: refresh.isWarningCleared,
  }));
  const result = await runStatement(executor, refreshStatement, [jsonParameter(rows), rows.map((row) => row.id)]);
  const refreshed = new Set(result.rows.map(([id]) => id));
  return { refused: batch.map((refresh) => refresh.runId).filter((id) => !refreshed.has(id)) };
}

export async function nextNotBefore(executor: Executor, now: Date): Promise<Date | null> {
  const { rows } = await runStatement(executor, nextNotBeforeStatement, [now.toISOString()]);
  return (rows[0]?.[0] ?? null) as Date | null;
}

export async function countRuns(executor: Executor): ReturnType<RunStore['countRuns']> {
  const { rows } = await runStatement(executor, countStatement, []);
  const [queued, running, oldestQueuedAt] = rows[0] ?? [];
  return { queued: Number(queued), running: Number(running), oldestQueuedAt: (oldestQueuedAt ?? null) as Date | null };
}
