import type { InstanceId, ServerInstance } from '../../supervisor/model/index.js';
import { type Executor, runStatement } from '../executor.js';
import { uuidParameter } from '../parameters.js';
import { serverInstances } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';

const codec = tableCodec(serverInstances);

const registerStatement = {
  name: 'instance_register',
  text: `INSERT INTO server_instances (${codec.columnList()}) VALUES (${placeholders(codec.keys.length)})
    ON CONFLICT (id) DO UPDATE SET lease_expires_at = excluded.lease_expires_at, ended_at = excluded.ended_at`,
};
const renewStatement = {
  name: 'instance_renew',
  text: `UPDATE server_instances SET lease_expires_at = $3
    WHERE id = $1 AND ended_at IS NULL AND lease_expires_at > $2`,
};
const endStatement = {
  name: 'instance_end',
  text: `UPDATE server_instances SET ended_at = coalesce(ended_at, $2), lease_expires_at = least(lease_expires_at, $2) WHERE id = $1`,
};
const listStatement = {
  name: 'instance_list',
  text: `SELECT ${codec.columnList()} FROM server_instances ORDER BY started_at DESC LIMIT 1000`,
};
const pruneStatement = {
  name: 'instance_prune',
  text: `DELETE FROM server_instances i WHERE coalesce(i.ended_at, i.lease_expires_at) < $1
    AND NOT EXISTS (SELECT 1 FROM heartbeat_runs r WHERE r.status = 'running' AND r.owner_instance_id = i.id)`,
};
const nowStatement = { name: 'database_now', text: 'SELECT clock_timestamp()' };

export async function registerInstance(executor: Executor, instance: ServerInstance): Promise<void> {
  await runStatement(executor, registerStatement, codec.parameters(instance));
}

export async function renewLease(
  executor: Executor,
  id: InstanceId,
  query: { readonly now: Date; readonly leaseMs: number },
): Promise<boolean> {
  const expiresAt = new Date(query.now.getTime() + query.leaseMs);
  const values = [uuidParameter(id), query.now.toISOString(), expiresAt.toISOString()];
  const { rowCount } = await runStatement(executor, renewStatement, values);
  return rowCount === 1;
}

export async function endInstance(executor: Executor, id: InstanceId, now: Date): Promise<void> {
  await runStatement(executor, endStatement, [uuidParameter(id), now.toISOString()]);
}

/** Newest first. */
export async function listInstances(executor: Executor): Promise<readonly ServerInstance[]> {
  const { rows } = await runStatement(executor, listStatement, []);
  return rows.map((row) => codec.rowFrom(row));
}

export async function pruneInstances(executor: Executor, before: Date): Promise<number> {
  const { rowCount } = await runStatement(executor, pruneStatement, [before.toISOString()]);
  return rowCount;
}

export async function databaseNow(executor: Executor): Promise<Date> {
  const { rows } = await runStatement(executor, nowStatement, []);
  return rows[0]?.[0] as Date;
}
