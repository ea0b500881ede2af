import { and, asc, desc, eq, getTableColumns, gt, gte, inArray, lt, type SQL, sql } from 'drizzle-orm';
import type { AgentId, CompanyId, IssueId, Run, RunId, RunStatus } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { heartbeatRuns } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

const {
  queueRank: _queueRank,
  placementKey: _placementKey,
  insertionId: _insertionId,
  ...runColumns
} = getTableColumns(heartbeatRuns);
const { resultJson: _resultJson, contextSnapshot: _contextSnapshot, ...runSummaryColumns } = runColumns;

/** A run as a list shows it: without the two members that may be large. */
export type RunSummary = Omit<Run, 'resultJson' | 'contextSnapshot'>;

export interface RunListFilter {
  readonly companyId: CompanyId;
  readonly agentId?: AgentId | undefined;
  readonly issueId?: IssueId | undefined;
  /** Any of these; empty or absent = all. */
  readonly statuses?: readonly RunStatus[] | undefined;
}

/** Newest first, each filter by an index. */
export async function listRuns(executor: Executor, filter: RunListFilter, query: PageQuery): Promise<Page<RunSummary>> {
  const conditions: (SQL | undefined)[] = [
    eq(heartbeatRuns.companyId, filter.companyId),
    filter.agentId === undefined ? undefined : eq(heartbeatRuns.agentId, filter.agentId),
    filter.issueId === undefined ? undefined : eq(heartbeatRuns.issueId, filter.issueId),
    filter.statuses === undefined || filter.statuses.length === 0
      ? undefined
      : inArray(heartbeatRuns.status, [...filter.statuses]),
    query.cursor === null ? undefined : lt(heartbeatRuns.id, query.cursor as RunId),
  ];
  const rows = await executor
    .select(runSummaryColumns)
    .from(heartbeatRuns)
    .where(and(...conditions))
    .orderBy(desc(heartbeatRuns.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (run) => run.id);
}

/** Running and queued runs of a company, running ones first, then newest first; `isCut` when there are more. */
export async function listLiveRuns(
  executor: Executor,
  filter: { readonly companyId: CompanyId; readonly issueId?: IssueId | undefined; readonly agentId?: AgentId | undefined },
  limit: number,
): Promise<{ readonly items: readonly RunSummary[]; readonly isCut: boolean }> {
  const rows = await executor
    .select(runSummaryColumns)
    .from(heartbeatRuns)
    .where(
      and(
        eq(heartbeatRuns.companyId, filter.companyId),
        inArray(heartbeatRuns.status, ['running', 'queued']),
        filter.issueId === undefined ? undefined : eq(heartbeatRuns.issueId, filter.issueId),
        filter.agentId === undefined ? undefined : eq(heartbeatRuns.agentId, filter.agentId),
      ),
    )
    .orderBy(desc(heartbeatRuns.status), desc(heartbeatRuns.id))
    .limit(pageLimit(limit) + 1);
  return { items: rows.slice(0, pageLimit(limit)), isCut: rows.length > pageLimit(limit) };
}

/** Those of the ids whose run is queued or running; what is no id of a run is none of them. */
export async function listUnfinishedRuns(executor: Executor, ids: readonly string[]): Promise<ReadonlySet<RunId>> {
  if (ids.length === 0) return new Set();
  const rows = await executor
    .select({ id: heartbeatRuns.id })
    .from(heartbeatRuns)
    .where(and(inArray(heartbeatRuns.id, ids as readonly RunId[]), inArray(heartbeatRuns.status, ['queued', 'running'])));
  return new Set(rows.map((run) => run.id));
}

/** Runs that ended in a span of time, in pages by id: those whose logs retention may remove. `from` null = from the first. */
export async function listRunsFinishedBefore(
  executor: Executor,
  query: { readonly from: Date | null; readonly before: Date; readonly afterId: RunId | null; readonly limit: number },
): Promise<readonly Pick<Run, 'id' | 'companyId' | 'finishedAt'>[]> {
  return executor
    .select({ id: heartbeatRuns.id, companyId: heartbeatRuns.companyId, finishedAt: heartbeatRuns.finishedAt })
    .from(heartbeatRuns)
    .where(
      and(
        lt(heartbeatRuns.finishedAt, query.before),
        query.from === null ? undefined : gte(heartbeatRuns.finishedAt, query.from),
        query.afterId === null ? undefined : gt(heartbeatRuns.id, query.afterId),
      ),
    )
    .orderBy(asc(heartbeatRuns.id))
    .limit(Math.max(1, Math.min(1_000, query.limit)));
}

/** Running runs per adapter type, for `GET /api/adapters` and for a removal that waits. */
export async function countRunningByAdapterType(executor: Executor): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select({ adapterType: heartbeatRuns.adapterType, count: sql<number>`count(*)`.mapWith(Number) })
    .from(heartbeatRuns)
    .where(sql`${heartbeatRuns.status} = 'running'`)
    .groupBy(heartbeatRuns.adapterType);
  return new Map(rows.map((row) => [row.adapterType, row.count]));
}
