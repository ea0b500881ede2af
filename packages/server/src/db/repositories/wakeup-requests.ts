import { and, desc, eq, getTableColumns, inArray, lt } from 'drizzle-orm';
import type { AgentId, CompanyId, IssueId, WakeupRequest, WakeupRequestId, WakeupStatus } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { agentWakeupRequests } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

const { insertionId: _insertionId, ...wakeupColumns } = getTableColumns(agentWakeupRequests);

export async function getWakeupRequest(executor: Executor, id: WakeupRequestId): Promise<WakeupRequest | null> {
  const [wakeup] = await executor.select(wakeupColumns).from(agentWakeupRequests).where(eq(agentWakeupRequests.id, id));
  return wakeup ?? null;
}

export interface WakeupListFilter {
  readonly companyId: CompanyId;
  readonly agentId?: AgentId | undefined;
  readonly issueId?: IssueId | undefined;
  readonly statuses?: readonly WakeupStatus[] | undefined;
}

/** Newest first. */
export async function listWakeupRequests(
  executor: Executor,
  filter: WakeupListFilter,
  query: PageQuery,
): Promise<Page<WakeupRequest>> {
  const rows = await executor
    .select(wakeupColumns)
    .from(agentWakeupRequests)
    .where(
      and(
        eq(agentWakeupRequests.companyId, filter.companyId),
        filter.agentId === undefined ? undefined : eq(agentWakeupRequests.agentId, filter.agentId),
        filter.issueId === undefined ? undefined : eq(agentWakeupRequests.issueId, filter.issueId),
        filter.statuses === undefined || filter.statuses.length === 0
          ? undefined
          : inArray(agentWakeupRequests.status, [...filter.statuses]),
        query.cursor === null ? undefined : lt(agentWakeupRequests.id, query.cursor as WakeupRequestId),
      ),
    )
    .orderBy(desc(agentWakeupRequests.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (wakeup) => wakeup.id);
}
