import type { CompanyId, IssueId, WakeupRequest, WakeupRequestId } from '../../supervisor/model/index.js';
import type { CompareAndSet, RunStoreTransaction } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { textParameter, uuidParameter } from '../parameters.js';
import { agentWakeupRequests } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';
import { namedStatements } from './named-statements.js';

const codec = tableCodec(agentWakeupRequests, ['insertionId']);
const columns = codec.columnList();

const lockKeyStatement = {
  name: 'wakeup_lock_key',
  // Two 32-bit hashes: a collision only makes two strangers wait for each other.
  text: `SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))`,
};
const byKeyStatement = {
  name: 'wakeup_by_key',
  text: `SELECT ${columns} FROM agent_wakeup_requests
    WHERE company_id = $1 AND idempotency_key = $2 AND idempotency_key IS NOT NULL`,
};
const getStatement = { name: 'wakeup_get', text: `SELECT ${columns} FROM agent_wakeup_requests WHERE id = $1` };
const insertStatement = {
  name: 'wakeup_insert',
  text: `INSERT INTO agent_wakeup_requests (${columns}) VALUES (${placeholders(codec.keys.length)})`,
};
const deferredStatement = {
  name: 'wakeup_deferred',
  text: `SELECT ${columns} FROM agent_wakeup_requests WHERE issue_id = $1 AND status = 'deferred'
    ORDER BY insertion_id LIMIT 1000 FOR NO KEY UPDATE`,
};

export async function lockIdempotencyKey(executor: Executor, companyId: CompanyId, key: string): Promise<void> {
  await runStatement(executor, lockKeyStatement, [companyId, textParameter(key)]);
}

export async function findWakeupByIdempotencyKey(
  executor: Executor,
  companyId: CompanyId,
  key: string,
): Promise<WakeupRequest | null> {
  const { rows } = await runStatement(executor, byKeyStatement, [uuidParameter(companyId), textParameter(key)]);
  return rows[0] === undefined ? null : codec.rowFrom(rows[0]);
}

export async function getWakeup(executor: Executor, id: WakeupRequestId): Promise<WakeupRequest | null> {
  const { rows } = await runStatement(executor, getStatement, [uuidParameter(id)]);
  return rows[0] === undefined ? null : codec.rowFrom(rows[0]);
}

export async function insertWakeup(executor: Executor, wakeup: WakeupRequest): Promise<void> {
  await runStatement(executor, insertStatement, codec.parameters(wakeup));
}

/** Oldest first, locked. */
export async function listDeferredWakeups(executor: Executor, issueId: IssueId): Promise<readonly WakeupRequest[]> {
  const { rows } = await runStatement(executor, deferredStatement, [uuidParameter(issueId)]);
  return rows.map((row) => codec.rowFrom(row));
}

const moveStatements = namedStatements('wakeup_move');

export async function moveWakeup(
  executor: Executor,
  guard: Parameters<RunStoreTransaction['moveWakeup']>[0],
  patch: Parameters<RunStoreTransaction['moveWakeup']>[1],
  now: Date,
): Promise<CompareAndSet> {
  const keys = (Object.keys(patch) as (keyof typeof patch)[]).filter((key) => patch[key] !== undefined);
  const statement = moveStatements(keys.join(), () => {
    const sets = ['updated_at = $3', ...keys.map((key, index) => `${codec.columnName(key)} = $${index + 4}`)];
    return `UPDATE agent_wakeup_requests SET ${sets.join(', ')} WHERE id = $1 AND status = ANY($2::text[])`;
  });
  const { rowCount } = await runStatement(executor, statement, [
    uuidParameter(guard.id),
    guard.from,
    now.toISOString(),
    ...keys.map((key) => codec.parameter(key, patch[key])),
  ]);
  return rowCount === 1 ? 'moved' : 'stale';
}
