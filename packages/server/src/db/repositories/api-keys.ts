import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { type AgentId, type CompanyId, createId, type RunnerId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { type ApiKeyScope, apiKeys } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export type { ApiKeyScope } from '../schema/index.js';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scope: ApiKeyScope;
  readonly companyId: CompanyId | null;
  readonly agentId: AgentId | null;
  readonly runnerId: RunnerId | null;
  readonly keyHash: string;
  readonly keyPrefix: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** `keyHash`: SHA-256 of the key in lower-case hex. */
export async function insertApiKey(
  executor: Executor,
  input: Omit<ApiKey, 'id' | 'createdAt' | 'revokedAt' | 'lastUsedAt'>,
  now: Date,
): Promise<ApiKey> {
  const key: ApiKey = { ...input, id: createId<string>(now), createdAt: now, revokedAt: null, lastUsedAt: null };
  await executor.insert(apiKeys).values(key);
  return key;
}

/** Also finds revoked and expired keys, so that the caller can say which it is. */
export async function findApiKeyByHash(executor: Executor, keyHash: string): Promise<ApiKey | null> {
  const [key] = await executor.select().from(apiKeys).where(eq(apiKeys.keyHash, keyHash));
  return key ?? null;
}

/** Newest first; null = keys of every company. */
export async function listApiKeys(executor: Executor, companyId: CompanyId | null, query: PageQuery): Promise<Page<ApiKey>> {
  const rows = await executor
    .select()
    .from(apiKeys)
    .where(
      and(
        companyId === null ? undefined : eq(apiKeys.companyId, companyId),
        query.cursor === null ? undefined : lt(apiKeys.id, query.cursor),
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (key) => key.id);
}

/** Null when there is no such key (in this company, where one is given). Revoking twice keeps the first time. */
export async function revokeApiKey(
  executor: Executor,
  id: string,
  companyId: CompanyId | null,
  now: Date,
): Promise<ApiKey | null> {
  const [key] = await executor
    .update(apiKeys)
    .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, ${now.toISOString()}::timestamptz)` })
    .where(and(eq(apiKeys.id, id), companyId === null ? undefined : eq(apiKeys.companyId, companyId)))
    .returning();
  return key ?? null;
}

/** Notes the use at most once a minute, so that a busy key is no hot row. */
export async function touchApiKey(executor: Executor, id: string, now: Date): Promise<void> {
  const aMinuteAgo = new Date(now.getTime() - 60_000);
  await executor
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(and(eq(apiKeys.id, id), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, aMinuteAgo))));
}
