import { integer, pgTable } from 'drizzle-orm/pg-core';
import type { InstanceId } from '../../supervisor/model/index.js';
import { id, instant, safeText } from './columns.js';

/** The server processes that share this database, and their leases. */
export const serverInstances = pgTable('server_instances', {
  id: id<InstanceId>().primaryKey(),
  host: safeText().notNull(),
  pid: integer().notNull(),
  hostBootId: safeText().notNull(),
  processStartTicks: safeText(),
  version: safeText().notNull(),
  startedAt: instant().notNull(),
  leaseExpiresAt: instant().notNull(),
  endedAt: instant(),
});
