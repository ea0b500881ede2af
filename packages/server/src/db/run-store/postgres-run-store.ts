import type { RunStore } from '../../supervisor/ports/index.js';
import type { Database } from '../database.js';
import { databaseFailure } from '../database-failure.js';
import { getAgent } from './agent-statements.js';
import { listRunEvents } from './event-statements.js';
import { withExclusiveLoop } from './exclusive-loop.js';
import * as instances from './instance-statements.js';
import { getIssue, listStrandedIssues } from './issue-statements.js';
import { postgresRunTransaction } from './postgres-run-transaction.js';
import * as recovery from './recovery-statements.js';
import { getRun } from './run-statements.js';
import { getWakeup } from './wakeup-statements.js';

/** The supervisor's store over PostgreSQL. */
export function createPostgresRunStore(database: Database): RunStore {
  const { executor } = database;
  return {
    transaction: (work) => database.transaction((inside, later) => work(postgresRunTransaction(inside, later))),

    getRun: (id) => reached(getRun(executor, id)),
    getAgent: (id) => reached(getAgent(executor, id)),
    getIssue: (id) => reached(getIssue(executor, id)),
    getWakeup: (id) => reached(getWakeup(executor, id)),
    listRunEvents: (runId, query) => reached(listRunEvents(executor, runId, query)),

    refreshLiveness: (batch) => reached(recovery.refreshLiveness(executor, batch)),
    listRecoveryCandidates: (query) => reached(recovery.listRecoveryCandidates(executor, query)),
    listCancelRequests: (query) => reached(recovery.listCancelRequests(executor, query)),
    listOwnedRuns: (instanceId) => reached(recovery.listOwnedRuns(executor, instanceId)),
    listStrandedIssues: (query) => reached(listStrandedIssues(executor, query.limit)),
    nextNotBefore: (now) => reached(recovery.nextNotBefore(executor, now)),
    countRuns: () => reached(recovery.countRuns(executor)),

    registerInstance: (instance) => reached(instances.registerInstance(executor, instance)),
    renewLease: (id, query) => reached(instances.renewLease(executor, id, query)),
    endInstance: (id, now) => reached(instances.endInstance(executor, id, now)),
    listInstances: () => reached(instances.listInstances(executor)),
    pruneInstances: (before) => reached(instances.pruneInstances(executor, before)),
    databaseNow: () => reached(instances.databaseNow(executor)),
    withExclusiveLoop: (name, work) => withExclusiveLoop(database, name, work),
  };
}

/** A lost connection is told as `database_unavailable`. */
async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw databaseFailure(error);
  }
}
