import { index, pgTable, uniqueIndex } from 'drizzle-orm/pg-core';
import type { AgentId, CompanyId, RunnerId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

export const apiKeyScopes = ['operator', 'company', 'agent', 'runner'] as const;
export type ApiKeyScope = (typeof apiKeyScopes)[number];

/** API keys; of the key itself only the SHA-256 is kept. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: id<string>().primaryKey(),
    name: safeText().notNull(),
    scope: safeText<ApiKeyScope>().notNull(),
    /** Null for `operator`, which may see every company. */
    companyId: id<CompanyId>(),
    agentId: id<AgentId>(),
    runnerId: id<RunnerId>(),
    /** SHA-256 in lower-case hex. */
    keyHash: safeText().notNull(),
    /** The first characters of the key, to recognise it in a list. */
    keyPrefix: safeText().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant(),
    revokedAt: instant(),
    lastUsedAt: instant(),
  },
  (table) => [
    uniqueIndex('api_keys_hash_index').on(table.keyHash),
    index('api_keys_company_index').on(table.companyId, table.id),
  ],
);
