import type { Json } from '@runbeat/adapter-sdk';
import { index, integer, pgTable, uniqueIndex } from 'drizzle-orm/pg-core';
import type { CompanyId, RunnerId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

export type RunnerAdminStatus = 'enabled' | 'disabled';

/** Processes on other machines that execute runs. */
export const runners = pgTable(
  'runners',
  {
    id: id<RunnerId>().primaryKey(),
    /** The company whose runs it may execute; null = every company's. */
    companyId: id<CompanyId>(),
    label: safeText().notNull(),
    /** SHA-256 of its token, lower-case hex. */
    tokenHash: safeText().notNull(),
    adminStatus: safeText<RunnerAdminStatus>().notNull(),
    /** What it can run: `[{ type, version }]`. */
    adapters: safeJsonb<Json>(),
    slots: integer().notNull(),
    version: safeText(),
    /** The one session that may write; null = never connected. */
    sessionId: id<string>(),
    lastSeenAt: instant(),
    leaseExpiresAt: instant(),
    /** The runner's own account of its connection, shown by `health`. */
    clientReport: safeJsonb<Json>(),
    clientReportAt: instant(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    index('runners_company_index').on(table.companyId, table.id),
    index('runners_label_index').on(table.label),
    uniqueIndex('runners_token_index').on(table.tokenHash),
  ],
);
