import { isTerminalRunStatus, type Run, type ServerInstance } from '../model/index.js';
import type { RunStore } from '../ports/index.js';
import { createMemoryTables, type MemoryTables } from './memory-tables.js';
import { createMemoryTransaction } from './memory-transaction.js';
import type { UndoLog } from './undo-table.js';

/** A run store in memory, for tests: transactions one at a time, with rollback, and faults on demand. */
export interface MemoryRunStore extends RunStore {
  readonly tables: MemoryTables;
  /** While true, every call rejects with `database_unavailable`, and nothing is written. */
  isAway: boolean;
  /** Called before each transaction commits; what it throws rolls the transaction back. */
  beforeCommit: (() => void) | null;
  /** Calls since the start, by name; `transaction` counts transactions. */
  readonly calls: ReadonlyMap<string, number>;
}

export function createMemoryRunStore(): MemoryRunStore {
  let undo: UndoLog = [];
  const tables = createMemoryTables(() => undo);
  const statements = createMemoryTransaction(tables);
  const loops = new Set<string>();
  const calls = new Map<string, number>();
  // One call at a time, as a database with one connection would do it.
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      if (store.isAway) throw away();
      undo = [];
      return work();
    });
    last = result.catch(() => undefined);
    return result;
  };
  const living = (now: Date): Set<string> =>
    new Set(
      tables.instances
        .all()
        .filter((instance) => isLiving(instance, now))
        .map((instance) => instance.id),
    );
  const running = (): Run[] => tables.runs.all().filter((run) => run.status === 'running');
  const isOrphan = (run: Run, owners: Set<string>): boolean => run.ownerInstanceId === null || !owners.has(run.ownerInstanceId);

  const store: MemoryRunStore = {
    tables,
    isAway: false,
    beforeCommit: null,
    calls,
    transaction: (work) =>
      alone('transaction', async () => {
        try {
          const value = await work(statements);
          store.beforeCommit?.();
          return value;
        } catch (error) {
          for (const step of undo.reverse()) step();
          throw error;
        }
      }),
    getRun: (id) => alone('getRun', async () => tables.runs.get(id)),
    getAgent: (id) => alone('getAgent', async () => tables.agents.get(id)),
    getIssue: (id) => alone('getIssue', async () => tables.issues.get(id)),
    getWakeup: (id) => alone('getWakeup', async () => tables.wakeups.get(id)),
    listRunEvents: (runId, { afterSeq, limit }) =>
      alone('listRunEvents', async () =>
        tables.runEvents
          .all()
          .filter((event) => event.runId === runId && event.seq > afterSeq)
          .slice(0, limit),
      ),
    refreshLiveness: (batch) =>
      alone('refreshLiveness', async () => {
        const refused = batch.filter((refresh) => {
          const run = tables.runs.get(refresh.runId);
          if (run?.status !== 'running' || run.ownerEpoch !== refresh.ownerEpoch) return true;
          const { updatedAt, lastOutputAt, logBytes, logCursor } = refresh;
          const warning = refresh.isWarningCleared ? null : run.warning;
          tables.runs.set(run.id, { ...run, updatedAt, lastOutputAt, logBytes, logCursor, warning });
          return false;
        });
        return { refused: refused.map((refresh) => refresh.runId) };
      }),
    listRecoveryCandidates: ({ now, staleBefore, limit }) =>
      alone('listRecoveryCandidates', async () => {
        const owners = living(now);
        const isSuspect = (run: Run): boolean => {
          const isOverdue = run.deadlineAt !== null && run.deadlineAt <= now && isOrphan(run, owners);
          const isDue = run.nextProbeAt === null || run.nextProbeAt <= now;
          return isOverdue || (isDue && (isOrphan(run, owners) || run.updatedAt < staleBefore));
        };
        return running()
          .filter(isSuspect)
          .sort((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime())
          .slice(0, limit);
      }),
    listCancelRequests: ({ instanceId, now, limit }) =>
      alone('listCancelRequests', async () => {
        const owners = living(now);
        return running()
          .filter((run) => run.cancelRequestedAt !== null && (run.ownerInstanceId === instanceId || isOrphan(run, owners)))
          .slice(0, limit);
      }),
    listOwnedRuns: (instanceId) =>
      alone('listOwnedRuns', async () => running().filter((run) => run.ownerInstanceId === instanceId)),
    listStrandedIssues: ({ limit }) =>
      alone('listStrandedIssues', async () => {
        const isStranded = async (issue: { id: string }): Promise<boolean> => {
          const issueId = issue.id as Parameters<typeof statements.hasActiveWork>[0];
          if (await statements.hasActiveWork(issueId)) return false;
          const run = await statements.getLastRunOfIssue(issueId);
          return run !== null && run.status !== 'succeeded';
        };
        const found = [];
        for (const issue of tables.issues.all()) {
          if (issue.status !== 'todo' && issue.status !== 'in_progress') continue;
          if (issue.assigneeAgentId !== null && (await isStranded(issue))) found.push(issue);
        }
        return found.slice(0, limit);
      }),
    nextNotBefore: (now) =>
      alone('nextNotBefore', async () => {
        const later = tables.runs
          .all()
          .flatMap((run) => (run.status === 'queued' && run.notBefore && run.notBefore > now ? [run.notBefore] : []));
        return later.sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
      }),
    registerInstance: (instance) => alone('registerInstance', async () => tables.instances.set(instance.id, instance)),
    renewLease: (id, { now, leaseMs }) =>
      alone('renewLease', async () => {
        const instance = tables.instances.get(id);
        if (!instance || !isLiving(instance, now)) return false;
        tables.instances.set(id, { ...instance, leaseExpiresAt: new Date(now.getTime() + leaseMs) });
        return true;
      }),
    endInstance: (id, now) =>
      alone('endInstance', async () => {
        const instance = tables.instances.get(id);
        if (instance) tables.instances.set(id, { ...instance, endedAt: now });
      }),
    listInstances: () => alone('listInstances', async () => tables.instances.all()),
    pruneInstances: (before) =>
      alone('pruneInstances', async () => {
        const owners = new Set(running().map((run) => run.ownerInstanceId));
        const old = tables.instances
          .all()
          .filter((each) => (each.endedAt ?? each.leaseExpiresAt) < before && !owners.has(each.id));
        for (const each of old) tables.instances.delete(each.id);
        return old.length;
      }),
    databaseNow: () => alone('databaseNow', async () => new Date()),
    async withExclusiveLoop(name, work) {
      if (store.isAway) throw away();
      if (loops.has(name)) return false;
      loops.add(name);
      try {
        await work();
      } finally {
        loops.delete(name);
      }
      return true;
    },
    countRuns: () =>
      alone('countRuns', async () => {
        const queued = tables.runs.all().filter((run) => run.status === 'queued');
        const oldest = queued.map((run) => run.createdAt.getTime()).sort((a, b) => a - b)[0];
        const active = tables.runs.all().filter((run) => !isTerminalRunStatus(run.status)).length;
        return {
          queued: queued.length,
          running: active - queued.length,
          oldestQueuedAt: oldest === undefined ? null : new Date(oldest),
        };
      }),
  };
  return store;
}

function isLiving(instance: ServerInstance, now: Date): boolean {
  return instance.endedAt === null && instance.leaseExpiresAt > now;
}

function away(): Error {
  return Object.assign(new Error('The in-memory database is away, as the test asked.'), { code: 'database_unavailable' });
}
