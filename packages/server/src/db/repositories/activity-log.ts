import type { Json } from '@runbeat/adapter-sdk';
import { and, desc, eq, lt } from 'drizzle-orm';
import { type CompanyId, createId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { activityLog } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export interface ActivityEntry {
  readonly id: string;
  readonly companyId: CompanyId;
  readonly actor: string;
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string;
  readonly data: Json;
  readonly createdAt: Date;
}

export async function appendActivity(
  executor: Executor,
  entry: Omit<ActivityEntry, 'id' | 'createdAt' | 'data'> & { readonly data?: Json },
  now: Date,
): Promise<void> {
  await executor.insert(activityLog).values({ ...entry, id: createId<string>(now), createdAt: now });
}

/** Newest first. */
export async function listActivity(
  executor: Executor,
  filter: { readonly companyId: CompanyId; readonly entity?: { readonly type: string; readonly id: string } | undefined },
  query: PageQuery,
): Promise<Page<ActivityEntry>> {
  const rows = await executor
    .select()
    .from(activityLog)
    .where(
      and(
        eq(activityLog.companyId, filter.companyId),
        filter.entity === undefined
          ? undefined
          : and(eq(activityLog.entityType, filter.entity.type), eq(activityLog.entityId, filter.entity.id)),
        query.cursor === null ? undefined : lt(activityLog.id, query.cursor),
      ),
    )
    .orderBy(desc(activityLog.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (entry) => entry.id);
}
