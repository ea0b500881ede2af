import type { AgentId, Run } from '../../supervisor/model/index.js';
import type { RunStoreTransaction } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { textParameter, uuidParameter } from '../parameters.js';
import { placementKey } from './placement-key.js';
import { runCodec, runFromRow, storedAgeingMs } from './run-codec.js';

type ClaimQuery = Parameters<RunStoreTransaction['selectClaimable']>[0];

const isClaimable = `status = 'queued' AND (not_before IS NULL OR not_before <= $1)
    AND agent_id <> ALL($2::uuid[]) AND adapter_type <> ALL($3::text[])
    AND (placement_key IS NULL OR placement_key <> ALL($4::text[]))`;

// The order of claiming is constant in time: waiting adds to every run alike. With the ageing of the setting's default it
// is stored with the run, so that an index has it; another ageing sorts what is queued.
const claimByIndexStatement = {
  name: 'run_claim_by_index',
  text: `SELECT ${runCodec.columnList()} FROM heartbeat_runs WHERE ${isClaimable}
    ORDER BY queue_rank, insertion_id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED`,
};
const claimBySortStatement = {
  name: 'run_claim_by_sort',
  text: `SELECT ${runCodec.columnList()} FROM heartbeat_runs WHERE ${isClaimable}
    ORDER BY extract(epoch FROM created_at) * 1000 - priority * $6::bigint, insertion_id
    LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED`,
};
const countRunningStatement = {
  name: 'run_count_running_by_agent',
  text: `SELECT agent_id, count(*) FROM heartbeat_runs WHERE status = 'running' AND agent_id = ANY($1::uuid[]) GROUP BY agent_id`,
};

/** No claim takes more than this at once; the rest is taken by the next. */
const maxClaim = 1_000;

export async function selectClaimable(executor: Executor, query: ClaimQuery): Promise<readonly Run[]> {
  const values = [
    query.now.toISOString(),
    query.excludeAgentIds.map(uuidParameter),
    query.excludeAdapterTypes.map(textParameter),
    (query.excludePlacements ?? []).map((placement) => textParameter(placementKey(placement) ?? '')),
    Math.max(0, Math.min(maxClaim, query.limit)),
  ];
  const { rows } =
    query.ageingMs === storedAgeingMs
      ? await runStatement(executor, claimByIndexStatement, values)
      : await runStatement(executor, claimBySortStatement, [...values, query.ageingMs]);
  return rows.map(runFromRow);
}

export async function countRunningByAgent(
  executor: Executor,
  agentIds: readonly AgentId[],
): Promise<ReadonlyMap<AgentId, number>> {
  const { rows } = await runStatement(executor, countRunningStatement, [agentIds.map(uuidParameter)]);
  const counts = new Map<AgentId, number>(agentIds.map((id) => [id, 0]));
  for (const [agentId, count] of rows) counts.set(agentId as AgentId, Number(count));
  return counts;
}
