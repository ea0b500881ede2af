import type { Json } from '@runbeat/adapter-sdk';
import type { CompanyId, LiveEvent } from '../../supervisor/model/index.js';
import { type Executor, runStatement } from '../executor.js';
import { uuidParameter } from '../parameters.js';

/** Events numbered by one call; a backlog takes several, so that nobody waits long for the company's lock. */
export const numberingBatch = 1_000;
const maxRead = 1_000;
const pruneBatch = 5_000;

const numberStatement = { name: 'live_event_number', text: `SELECT number_live_events($1, ${numberingBatch})` };
const waitingCompaniesStatement = {
  name: 'live_event_waiting_companies',
  text: 'SELECT DISTINCT company_id FROM live_events WHERE number IS NULL LIMIT 1000',
};
const boundsStatement = {
  name: 'live_event_bounds',
  text: `SELECT
    (SELECT min(number) FROM live_events WHERE company_id = $1 AND number IS NOT NULL),
    (SELECT last_number FROM live_event_heads WHERE company_id = $1)`,
};
const readStatement = {
  name: 'live_event_read',
  text: `SELECT number, type, data, at FROM live_events
    WHERE company_id = $1 AND number IS NOT NULL AND number > $2 ORDER BY number LIMIT $3`,
};
const oldCompaniesStatement = {
  name: 'live_event_old',
  text: 'SELECT company_id, max(number) FROM live_events WHERE at < $1 AND number IS NOT NULL GROUP BY company_id',
};
// By number and not by time: the clocks of instances differ a little, and what is kept must have no hole.
const pruneStatement = {
  name: 'live_event_prune',
  text: `DELETE FROM live_events WHERE insertion_id IN (
    SELECT insertion_id FROM live_events WHERE company_id = $1 AND number IS NOT NULL AND number <= $2
    ORDER BY number LIMIT ${pruneBatch})`,
};

/** How many were numbered; `numberingBatch` = there may be more. */
export async function numberLiveEvents(executor: Executor, companyId: CompanyId): Promise<number> {
  const { rows } = await runStatement(executor, numberStatement, [uuidParameter(companyId)]);
  return Number(rows[0]?.[0]);
}

export async function listCompaniesWithWaitingEvents(executor: Executor): Promise<readonly CompanyId[]> {
  const { rows } = await runStatement(executor, waitingCompaniesStatement, []);
  return rows.map(([companyId]) => companyId as CompanyId);
}

export async function liveEventBounds(
  executor: Executor,
  companyId: CompanyId,
): Promise<{ readonly oldestId: number | null; readonly newestId: number }> {
  const { rows } = await runStatement(executor, boundsStatement, [uuidParameter(companyId)]);
  const [oldest, newest] = rows[0] ?? [];
  return { oldestId: oldest === null || oldest === undefined ? null : Number(oldest), newestId: Number(newest ?? 0) };
}

export async function readLiveEvents(
  executor: Executor,
  companyId: CompanyId,
  query: { readonly afterId: number; readonly limit: number },
): Promise<readonly LiveEvent[]> {
  const limit = Math.max(0, Math.min(maxRead, query.limit));
  const { rows } = await runStatement(executor, readStatement, [uuidParameter(companyId), query.afterId, limit]);
  return rows.map(([number, type, data, at]) => ({
    id: Number(number),
    companyId,
    type: type as string,
    data: data as Json,
    at: at as Date,
  }));
}

/** Removes what is older than `before`, from the oldest number on. Returns how many rows. */
export async function pruneLiveEvents(executor: Executor, before: Date): Promise<number> {
  const old = await runStatement(executor, oldCompaniesStatement, [before.toISOString()]);
  let removed = 0;
  for (const [companyId, lastNumber] of old.rows) {
    for (let count = pruneBatch; count === pruneBatch; removed += count) {
      ({ rowCount: count } = await runStatement(executor, pruneStatement, [companyId, lastNumber]));
    }
  }
  return removed;
}
