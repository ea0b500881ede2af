import type { Database } from '../database.js';
import { databaseFailure, isConnectionFailure } from '../database-failure.js';

/** Any number that nobody else takes a pair of locks by. */
const loopLocks = 4_400_002;

/**
 * Runs `work` unless another instance is inside the loop of this name. The lock is the connection's, so it ends with this
 * process, however that ends.
 */
export async function withExclusiveLoop(database: Database, name: string, work: () => Promise<void>): Promise<boolean> {
  const client = await database.pool.connect().catch((error: unknown) => {
    throw databaseFailure(error);
  });
  let broken: Error | undefined;
  try {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken', [
      loopLocks,
      name,
    ]);
    if (rows[0]?.taken !== true) return false;
    try {
      await work();
    } finally {
      // A connection that cannot be unlocked is dropped, and the lock with it.
      await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', [loopLocks, name]).catch((error: Error) => {
        broken = error;
      });
    }
    return true;
  } catch (error) {
    if (isConnectionFailure(error)) broken ??= error as Error;
    throw databaseFailure(error);
  } finally {
    client.release(broken);
  }
}
