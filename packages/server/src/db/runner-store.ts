import type { Json } from '@runbeat/adapter-sdk';
import { runnerAdapterSchema } from '@runbeat/protocol';
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { RunnerJobRecord } from '../runners/runner-job-record.js';
import type { RunnerRecord } from '../runners/runner-record.js';
import type { RunnerStore } from '../runners/runner-store.js';
import type { CompanyId, RunId, RunnerId } from '../supervisor/model/index.js';
import type { Database } from './database.js';
import { pruneRunnerJobs } from './repositories/index.js';
import { runnerJobs, runners } from './schema/index.js';

/** `runner_id` of an offer that no runner could take yet; the column is never null. */
const NO_RUNNER = '00000000-0000-0000-0000-000000000000' as RunnerId;

/**
 * Runners in PostgreSQL. `label` holds all labels, separated by commas (labels have none); the name of a runner is part
 * of its report. In `runner_jobs`, `session_id` holds the home that claimed the job: sessions come and go, a home is what
 * the work is bound to; `offer` holds what a restarted server must know to offer the run again.
 */
export function createPostgresRunnerStore(database: Database): RunnerStore {
  const { executor } = database;
  return {
    async registerRunner(runner) {
      const row = { ...rowFromRunner(runner), id: runner.id as RunnerId, updatedAt: runner.createdAt };
      // A no-op update, so that the row of an earlier registration comes back.
      const [stored] = await executor
        .insert(runners)
        .values(row)
        .onConflictDoUpdate({ target: runners.tokenHash, set: { tokenHash: runner.tokenHash } })
        .returning();
      return stored === undefined ? runner : runnerFromRow(stored);
    },
    async findRunner(id) {
      const [row] = await executor
        .select()
        .from(runners)
        .where(eq(runners.id, id as RunnerId));
      return row === undefined ? null : runnerFromRow(row);
    },
    async listRunners() {
      return (await executor.select().from(runners).orderBy(asc(runners.id))).map(runnerFromRow);
    },
    async patchRunner(id, patch, now) {
      const { name, labels, adapters, companyId, ...same } = patch;
      const result = await executor
        .update(runners)
        .set({
          ...same,
          ...(companyId === undefined ? {} : { companyId: companyId as CompanyId | null }),
          ...(labels === undefined ? {} : { label: labels.join(',') }),
          ...(adapters === undefined ? {} : { adapters: adapters as unknown as Json }),
          ...(name === undefined ? {} : { clientReport: { name } }),
          updatedAt: now,
        })
        .where(eq(runners.id, id as RunnerId));
      return result.rowCount === 1;
    },
    async removeRunner(id) {
      const result = await executor.delete(runners).where(eq(runners.id, id as RunnerId));
      return result.rowCount === 1;
    },

    async findJobs(runIds) {
      if (runIds.length === 0) return [];
      const rows = await executor
        .select()
        .from(runnerJobs)
        .where(inArray(runnerJobs.runId, runIds as RunId[]));
      return rows.map(jobFromRow);
    },
    async putJob(job) {
      const row = rowFromJob(job);
      const stored = await executor
        .insert(runnerJobs)
        .values({ ...row, createdAt: job.createdAt })
        .onConflictDoUpdate({
          target: runnerJobs.runId,
          set: row,
          setWhere: sql`${runnerJobs.leaseEpoch} <= excluded.lease_epoch`,
        })
        .returning({ runId: runnerJobs.runId });
      return stored.length === 1;
    },
    async patchJob(guard, patch, now) {
      const result = await executor
        .update(runnerJobs)
        .set({
          ...(patch.state === undefined ? {} : { state: patch.state }),
          ...(patch.leaseEpoch === undefined ? {} : { leaseEpoch: patch.leaseEpoch }),
          ...(patch.runnerId === undefined ? {} : { runnerId: (patch.runnerId ?? NO_RUNNER) as RunnerId }),
          ...(patch.homeId === undefined ? {} : { sessionId: patch.homeId }),
          updatedAt: now,
        })
        .where(and(eq(runnerJobs.runId, guard.runId as RunId), eq(runnerJobs.leaseEpoch, guard.leaseEpoch)));
      return result.rowCount === 1;
    },
    pruneJobs: (before) => pruneRunnerJobs(executor, before),
  };
}

const adaptersSchema = z.array(runnerAdapterSchema).catch([]);
const reportSchema = z.object({ name: z.string() }).catch({ name: '' });
const placementSchema = z.union([z.object({ runnerId: z.string() }), z.object({ runnerLabel: z.string() })]);
const offerSchema = z.object({
  adapterType: z.string(),
  placement: placementSchema,
  previousSession: z.any(),
  sessionId: z.string().nullable().default(null),
});

/** The column knows more states than are told apart here. */
const stateFromColumn = {
  offered: 'offered',
  leased: 'leased',
  running: 'leased',
  finishing: 'leased',
  done: 'done',
  fenced: 'lost',
  lost: 'lost',
} as const satisfies Record<(typeof runnerJobs.$inferSelect)['state'], RunnerJobRecord['state']>;

function rowFromRunner(runner: RunnerRecord) {
  return {
    companyId: runner.companyId as CompanyId | null,
    label: runner.labels.join(','),
    tokenHash: runner.tokenHash,
    adminStatus: runner.adminStatus,
    adapters: runner.adapters as unknown as Json,
    slots: runner.slots,
    version: runner.version,
    lastSeenAt: runner.lastSeenAt,
    clientReport: { name: runner.name } satisfies Json,
    createdAt: runner.createdAt,
  };
}

function runnerFromRow(row: typeof runners.$inferSelect): RunnerRecord {
  const { name } = reportSchema.parse(row.clientReport);
  return {
    id: row.id,
    companyId: row.companyId,
    tokenHash: row.tokenHash,
    adminStatus: row.adminStatus,
    name: name === '' ? row.id : name,
    labels: row.label.split(',').filter((label) => label !== ''),
    adapters: adaptersSchema.parse(row.adapters),
    slots: row.slots,
    version: row.version ?? '',
    lastSeenAt: row.lastSeenAt,
    createdAt: row.createdAt,
  };
}

function rowFromJob(job: RunnerJobRecord) {
  const { adapterType, placement, previousSession, sessionId } = job;
  return {
    runId: job.runId as RunId,
    companyId: job.companyId as CompanyId,
    runnerId: (job.runnerId ?? NO_RUNNER) as RunnerId,
    leaseEpoch: job.leaseEpoch,
    sessionId: job.homeId,
    state: job.state,
    offer: { adapterType, placement: { ...placement }, previousSession, sessionId } satisfies Json,
    updatedAt: job.updatedAt,
  };
}

function jobFromRow(row: typeof runnerJobs.$inferSelect): RunnerJobRecord {
  const { adapterType, placement, previousSession, sessionId } = offerSchema.parse(row.offer);
  return {
    runId: row.runId,
    sessionId,
    companyId: row.companyId,
    runnerId: row.runnerId === NO_RUNNER ? null : row.runnerId,
    homeId: row.sessionId,
    leaseEpoch: row.leaseEpoch,
    state: stateFromColumn[row.state],
    adapterType,
    placement,
    previousSession: (previousSession ?? null) as Json,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
