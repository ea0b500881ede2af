import type { Json } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core';
import type { CompanyId, SessionId } from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

export const sessionPromptStates = ['accepted', 'written', 'acknowledged', 'completed', 'failed', 'cancelled', 'lost'] as const;
export type SessionPromptState = (typeof sessionPromptStates)[number];

/** Messages to a session. The index on unsettled ones makes "busy" a fact of the database: one in flight per session. */
export const sessionPrompts = pgTable(
  'session_prompts',
  {
    sessionId: id<SessionId>().notNull(),
    /** Given by the client; the same id again returns the same outcome. */
    promptId: safeText().notNull(),
    companyId: id<CompanyId>().notNull(),
    state: safeText<SessionPromptState>().notNull(),
    prompt: safeJsonb<Json>(),
    /** The worker that it was written to. */
    workerId: id<string>(),
    outcome: safeJsonb<Json>(),
    acceptedAt: instant().notNull(),
    updatedAt: instant().notNull(),
    settledAt: instant(),
  },
  (table) => [
    primaryKey({ columns: [table.sessionId, table.promptId] }),
    uniqueIndex('session_prompts_in_flight_index').on(table.sessionId).where(sql`${table.settledAt} IS NULL`),
  ],
);
