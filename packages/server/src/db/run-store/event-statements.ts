import type { Json } from '@runbeat/adapter-sdk';
import {
  type CompanyId,
  createId,
  type NewLiveEvent,
  type NewRunEvent,
  type RunEvent,
  type RunId,
} from '../../supervisor/model/index.js';
import { type Executor, runStatement } from '../executor.js';
import { jsonParameter, uuidParameter } from '../parameters.js';
import { activityLog, heartbeatRunEvents } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';

const eventCodec = tableCodec(heartbeatRunEvents, ['companyId']);
const activityCodec = tableCodec(activityLog);

// All events of a call in one statement, as one JSON parameter. Two transactions that append to one run at once count to
// the same `seq`; the primary key refuses the second, which is then run again.
const appendRunEventsStatement = {
  name: 'run_event_append',
  text: `INSERT INTO heartbeat_run_events (run_id, company_id, seq, type, level, message, data, at)
    SELECT $1, $2, last.seq + e.place, e.type, e.level, e.message, e.data, e.at
    FROM (SELECT coalesce(max(seq), 0) AS seq FROM heartbeat_run_events WHERE run_id = $1) last,
      ROWS FROM (jsonb_to_recordset($3::jsonb) AS (type text, level text, message text, data jsonb, at timestamptz))
        WITH ORDINALITY AS e (type, level, message, data, at, place)`,
};
const appendLiveEventsStatement = {
  name: 'live_event_append',
  text: `INSERT INTO live_events (company_id, type, data, at)
    SELECT e.company, e.type, e.data, e.at
    FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (company uuid, type text, data jsonb, at timestamptz))
      WITH ORDINALITY AS e (company, type, data, at, place)
    ORDER BY e.place`,
};
const appendActivityStatement = {
  name: 'activity_append',
  text: `INSERT INTO activity_log (${activityCodec.columnList()}) VALUES (${placeholders(activityCodec.keys.length)})`,
};
const listRunEventsStatement = {
  name: 'run_event_list',
  text: `SELECT ${eventCodec.columnList()} FROM heartbeat_run_events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};

export async function appendRunEvents(
  executor: Executor,
  run: { readonly id: RunId; readonly companyId: CompanyId },
  events: readonly NewRunEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await runStatement(executor, appendRunEventsStatement, [
    uuidParameter(run.id),
    uuidParameter(run.companyId),
    jsonParameter(events),
  ]);
}

export async function appendLiveEvents(executor: Executor, events: readonly NewLiveEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    company: uuidParameter(event.companyId),
    type: event.type,
    data: event.data,
    at: event.at,
  }));
  await runStatement(executor, appendLiveEventsStatement, [jsonParameter(rows)]);
}

export async function appendActivity(
  executor: Executor,
  entry: { companyId: CompanyId; actor: string; action: string; entityType: string; entityId: string; data?: Json },
  now: Date,
): Promise<void> {
  const row = { ...entry, id: createId<string>(now), data: entry.data ?? null, createdAt: now };
  await runStatement(executor, appendActivityStatement, activityCodec.parameters(row));
}

export async function listRunEvents(
  executor: Executor,
  runId: RunId,
  query: { readonly afterSeq: number; readonly limit: number },
): Promise<readonly RunEvent[]> {
  const limit = Math.max(0, Math.min(1_000, query.limit));
  const { rows } = await runStatement(executor, listRunEventsStatement, [uuidParameter(runId), query.afterSeq, limit]);
  return rows.map((row) => eventCodec.rowFrom(row) as RunEvent);
}
