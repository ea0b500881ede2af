import type { Json } from '@runbeat/adapter-sdk';
import { type CompanyId, createId, type NewLiveEvent, type RunEvent, type RunId } from '../../supervisor/model/index.js';
import type { RunEvents } from '../../supervisor/ports/index.js';
import { type Executor, runStatement } from '../executor.js';
import { jsonParameter, uuidParameter } from '../parameters.js';
import { activityLog, heartbeatRunEvents } from '../schema/index.js';
import { placeholders, tableCodec } from '../table-codec.js';

const eventCodec = tableCodec(heartbeatRunEvents, ['companyId']);
const activityCodec = tableCodec(activityLog);

// Events of any number of runs and those of the outbox in one statement, each kind as one JSON parameter. Two transactions
// that append to one run at once count to the same `seq`; the primary key refuses the second, which is then run again.
const runEventsInsert = `INSERT INTO heartbeat_run_events (run_id, company_id, seq, type, level, message, data, at)
    SELECT e.run, e.company, e.place + coalesce((SELECT max(seq) FROM heartbeat_run_events WHERE run_id = e.run), 0),
      e.type, e.level, e.message, e.data, e.at
    FROM jsonb_to_recordset($1::jsonb)
      AS e (run uuid, company uuid, place bigint, type text, level text, message text, data jsonb, at timestamptz)`;
const liveEventsInsert = (parameter: string): string => `INSERT INTO live_events (company_id, type, data, at)
    SELECT e.company, e.type, e.data, e.at
    FROM ROWS FROM (jsonb_to_recordset(${parameter}::jsonb) AS (company uuid, type text, data jsonb, at timestamptz))
      WITH ORDINALITY AS e (company, type, data, at, place)
    ORDER BY e.place`;
const appendRunEventsStatement = { name: 'run_event_append', text: runEventsInsert };
const appendLiveEventsStatement = { name: 'live_event_append', text: liveEventsInsert('$1') };
const appendBothStatement = { name: 'event_append', text: `WITH run_events AS (${runEventsInsert}) ${liveEventsInsert('$2')}` };
const appendActivityStatement = {
  name: 'activity_append',
  text: `INSERT INTO activity_log (${activityCodec.columnList()}) VALUES (${placeholders(activityCodec.keys.length)})`,
};
const listRunEventsStatement = {
  name: 'run_event_list',
  text: `SELECT ${eventCodec.columnList()} FROM heartbeat_run_events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};

/** All events of a transaction. */
export async function appendEvents(
  executor: Executor,
  events: { readonly runs: readonly RunEvents[]; readonly live: readonly NewLiveEvent[] },
): Promise<void> {
  const runEvents = events.runs.flatMap(rowsFromRunEvents);
  const liveEvents = events.live.map(rowFromLiveEvent);
  if (runEvents.length > 0 && liveEvents.length > 0) {
    await runStatement(executor, appendBothStatement, [jsonParameter(runEvents), jsonParameter(liveEvents)]);
  } else if (runEvents.length > 0) {
    await runStatement(executor, appendRunEventsStatement, [jsonParameter(runEvents)]);
  } else if (liveEvents.length > 0) {
    await runStatement(executor, appendLiveEventsStatement, [jsonParameter(liveEvents)]);
  }
}

export function appendLiveEvents(executor: Executor, events: readonly NewLiveEvent[]): Promise<void> {
  return appendEvents(executor, { runs: [], live: events });
}

function rowsFromRunEvents({ id, companyId, events }: RunEvents) {
  const [run, company] = [uuidParameter(id), uuidParameter(companyId)];
  return events.map((event, index) => ({ ...event, run, company, place: index + 1 }));
}

function rowFromLiveEvent({ companyId, type, data, at }: NewLiveEvent) {
  return { company: uuidParameter(companyId), type, data, at };
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
