import { type Database, ensureInstallationId, listUnfinishedRuns } from '../db/index.js';

/**
 * What adapters that put things outside of this process may know of the installation: all servers of one database. Given
 * to `createServer`'s `adapters` when they are made by a function.
 */
export interface Installation {
  /** Made with the database; the same on every server of it and after every restart. */
  readonly id: string;
  /** Those of the ids whose run is queued or running, on any server. Rejects while the database cannot be read. */
  unfinishedRuns(runIds: readonly string[]): Promise<ReadonlySet<string>>;
}

export async function readInstallation(database: Database, now: Date): Promise<Installation> {
  return {
    id: await ensureInstallationId(database.executor, now),
    unfinishedRuns: (runIds) => listUnfinishedRuns(database.executor, runIds),
  };
}
