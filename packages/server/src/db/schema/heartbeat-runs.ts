import type { Json, RunHandleV1, RunUsageV1 } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import { bigint, bigserial, doublePrecision, index, integer, pgTable } from 'drizzle-orm/pg-core';
import type {
  AgentId,
  CompanyId,
  InstanceId,
  IssueId,
  RunContextSnapshot,
  RunId,
  RunPhase,
  RunStatus,
  RunWarning,
  WakeupRequestId,
  WakeupSource,
} from '../../supervisor/model/index.js';
import { id, instant, safeJsonb, safeText } from './columns.js';

/**
 * One execution of an agent. The partial indexes hold only queued or running rows, so that claiming and sweeping cost
 * nothing for the history; a query uses them only when it names the status as a literal, not as a parameter.
 */
export const heartbeatRuns = pgTable(
  'heartbeat_runs',
  {
    id: id<RunId>().primaryKey(),
    companyId: id<CompanyId>().notNull(),
    agentId: id<AgentId>().notNull(),
    adapterType: safeText().notNull(),
    status: safeText<RunStatus>().notNull(),
    phase: safeText<RunPhase>(),
    invocationSource: safeText<WakeupSource>().notNull(),
    wakeupRequestId: id<WakeupRequestId>().notNull(),
    issueId: id<IssueId>(),
    taskKey: safeText(),
    contextSnapshot: safeJsonb<RunContextSnapshot>().notNull(),
    priority: integer().notNull(),
    /** `createdAt` in ms, less one step of ageing per priority: the order of claiming. Lower is earlier. */
    queueRank: bigint({ mode: 'number' }).notNull(),
    /** `contextSnapshot.placement` as one comparable text (see `placement-key.ts`); null = on the server. */
    placementKey: safeText(),
    notBefore: instant(),
    ownerInstanceId: id<InstanceId>(),
    ownerEpoch: integer().notNull().default(0),
    attempt: integer().notNull().default(0),
    handle: safeJsonb<RunHandleV1>(),
    processPid: integer(),
    processGroupId: integer(),
    processStartedAt: instant(),
    startedAt: instant(),
    finishedAt: instant(),
    updatedAt: instant().notNull(),
    deadlineAt: instant(),
    timeoutMs: bigint({ mode: 'number' }),
    idleTimeoutMs: bigint({ mode: 'number' }),
    lastOutputAt: instant(),
    logBytes: bigint({ mode: 'number' }).notNull().default(0),
    logCursor: safeText(),
    cancelRequestedAt: instant(),
    cancelReason: safeText(),
    warning: safeJsonb<RunWarning>(),
    unknownSince: instant(),
    nextProbeAt: instant(),
    instanceDeathCount: integer().notNull().default(0),
    /** Windows gives unsigned 32-bit ones. */
    exitCode: bigint({ mode: 'number' }),
    signal: safeText(),
    errorCode: safeText(),
    error: safeText(),
    usage: safeJsonb<RunUsageV1>(),
    provider: safeText(),
    model: safeText(),
    costUsd: doublePrecision(),
    summary: safeText(),
    resultJson: safeJsonb<Json>(),
    retryOfRunId: id<RunId>(),
    processLossRetryCount: integer().notNull().default(0),
    transientRetryCount: integer().notNull().default(0),
    createdAt: instant().notNull(),
    /** Breaks ties between rows of one millisecond. */
    insertionId: bigserial({ mode: 'number' }).notNull(),
  },
  (table) => [
    index('runs_company_index').on(table.companyId, table.id),
    index('runs_company_status_index').on(table.companyId, table.status, table.id),
    index('runs_agent_index').on(table.agentId, table.id),
    index('runs_issue_index').on(table.issueId, table.id).where(sql`${table.issueId} IS NOT NULL`),
    index('runs_queue_index').on(table.queueRank, table.insertionId).where(sql`${table.status} = 'queued'`),
    index('runs_queued_agent_index').on(table.agentId, table.queueRank).where(sql`${table.status} = 'queued'`),
    index('runs_queued_timer_index')
      .on(table.agentId)
      .where(sql`${table.status} = 'queued' AND ${table.invocationSource} = 'timer'`),
    index('runs_not_before_index').on(table.notBefore).where(sql`${table.status} = 'queued' AND ${table.notBefore} IS NOT NULL`),
    index('runs_running_agent_index').on(table.agentId).where(sql`${table.status} = 'running'`),
    index('runs_running_owner_index').on(table.ownerInstanceId, table.updatedAt).where(sql`${table.status} = 'running'`),
    index('runs_running_alive_index').on(table.updatedAt, table.nextProbeAt).where(sql`${table.status} = 'running'`),
    index('runs_deadline_index').on(table.deadlineAt).where(sql`${table.status} = 'running' AND ${table.deadlineAt} IS NOT NULL`),
    index('runs_cancel_index')
      .on(table.cancelRequestedAt)
      .where(sql`${table.status} = 'running' AND ${table.cancelRequestedAt} IS NOT NULL`),
  ],
);
