import { InternalError } from '@runbeat/adapter-sdk';
import pg from 'pg';
import type { Logger } from '../supervisor/ports/index.js';
import { databaseFailure, isConnectionFailure, isRetryableConflict } from './database-failure.js';
import { type Executor, executorOf } from './executor.js';
import { createGatheringSocket } from './gathering-socket.js';

/** The connections to PostgreSQL that everything in a server shares. */
export interface Database {
  readonly pool: pg.Pool;
  /** For statements that stand alone. */
  readonly executor: Executor;
  readonly connectionString: string;
  /**
   * Runs `work` in one transaction (READ COMMITTED): committed when it resolves, rolled back when it rejects. It is run
   * again after a deadlock or serialisation failure, so it must have no effect but through its executor. Rejects with
   * `database_unavailable` when the connection is lost; the commit may then have happened or not.
   *
   * `later` takes a statement whose answer is not needed: it is on its way, the next one follows without waiting for it,
   * and the transaction fails with it. So a transaction costs a round trip per answer that is awaited, not per statement.
   */
  transaction<T>(work: (executor: Executor, later: (statement: Promise<unknown>) => void) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const conflictAttempts = 6;

export function createDatabase(options: {
  readonly connectionString: string;
  readonly logger: Logger;
  /** Upper bound of connections; a caller waits for a free one at most `connectTimeoutMs`. */
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
}): Database {
  const { connectionString, logger } = options;
  const pool = new pg.Pool({
    connectionString,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // Statements are sent without waiting for the answer to the one before.
    pipeline: true,
    stream: createGatheringSocket,
    application_name: 'runbeat',
    // A statement that runs this long is stuck; without a limit it would hold its connection and its locks for ever.
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 60_000,
    // The same from this side, for a peer that vanished without a word: the connection is given up.
    query_timeout: 35_000,
  });
  // Without listeners a restart of the database would end this process: on the pool for idle connections, on each
  // connection for those that are lent out and between two statements. Whoever uses one sees the failure itself.
  let isClosing = false;
  pool.on('error', (error) => {
    // The driver hangs the whole connection on the error; only its words belong into the log.
    if (!isClosing) logger.warn({ error: error.message }, 'an idle database connection was lost');
  });
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.debug({ error: error.message }, 'a database connection was lost'));
  });

  async function attempt<T>(work: (executor: Executor, later: (statement: Promise<unknown>) => void) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    // The first failure of a statement that nobody awaits; those behind it fail only because of it.
    let firstFailure: unknown;
    const sent: Promise<unknown>[] = [];
    const later = (statement: Promise<unknown>): void => {
      sent.push(statement.catch((error: unknown) => (firstFailure ??= error)));
    };
    let broken: Error | undefined;
    try {
      later(client.query('BEGIN'));
      const result = await work(executorOf(client), later);
      const { command } = await client.query('COMMIT');
      // PostgreSQL answers the COMMIT of a failed transaction with a rollback, not with an error.
      if (command !== 'COMMIT') throw new InternalError('The transaction failed, and its failure was ignored.');
      return result;
    } catch (error) {
      await Promise.all(sent);
      const cause = firstFailure ?? error;
      if (isConnectionFailure(cause)) broken = cause as Error;
      else await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError));
      throw cause;
    } finally {
      client.release(broken);
    }
  }

  return {
    pool,
    executor: executorOf(pool),
    connectionString,
    async transaction(work) {
      for (let attemptNumber = 1; ; attemptNumber += 1) {
        try {
          return await attempt(work);
        } catch (error) {
          if (!isRetryableConflict(error) || attemptNumber === conflictAttempts) throw databaseFailure(error);
        }
      }
    },
    async close() {
      isClosing = true;
      await pool.end();
    },
  };
}
