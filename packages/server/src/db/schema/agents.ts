import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { index, pgTable } from 'drizzle-orm/pg-core';
import type { AgentId, AgentRuntimeConfig, AgentStatus, CompanyId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';
import { companies } from './companies.js';

/** Configured workers. A deleted one keeps its row (`deletedAt`), because runs and events name it. */
export const agents = pgTable(
  'agents',
  {
    id: id<AgentId>().primaryKey(),
    companyId: id<CompanyId>()
      .notNull()
      .references(() => companies.id),
    name: safeText().notNull(),
    role: safeText().notNull(),
    status: safeText<AgentStatus>().notNull(),
    statusReason: safeText(),
    adapterType: safeText().notNull(),
    adapterConfig: safeJsonb<Json>(),
    runtimeConfig: safeJsonb<AgentRuntimeConfig>().notNull(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    deletedAt: instant(),
  },
  (table) => [
    index('agents_company_index').on(table.companyId, table.id).where(sql`${table.deletedAt} IS NULL`),
    index('agents_name_index').on(table.companyId, sql`lower(${table.name})`).where(sql`${table.deletedAt} IS NULL`),
    index('agents_timer_index')
      .on(table.id)
      .where(
        sql`${table.deletedAt} IS NULL AND ${table.status} = 'active' AND ${table.runtimeConfig} -> 'heartbeat' ->> 'enabled' = 'true'`,
      ),
    index('agents_adapter_type_index').on(table.adapterType).where(sql`${table.deletedAt} IS NULL`),
  ],
);
