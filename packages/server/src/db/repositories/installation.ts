import { InternalError } from '@runbeat/adapter-sdk';
import { createRandomId, type InstallationId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { installation } from '../schema/index.js';

/** Which installation the database is: made with the first start, and the same for every server ever since. */
export async function ensureInstallationId(executor: Executor, now: Date): Promise<InstallationId> {
  // Waits for another server that is about to make one, and leaves it that one's.
  await executor.insert(installation).values({ id: createRandomId<InstallationId>(), createdAt: now }).onConflictDoNothing();
  const [row] = await executor.select({ id: installation.id }).from(installation);
  if (row === undefined) throw new InternalError('The installation has no row right after it was made.');
  return row.id;
}
