import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startTestServer } from './test-server.js';

/** A throw-away PostgreSQL that several servers can share. The owner of its home ends it (`endDatabase`). */
export interface TestDatabase {
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** On a connection of its own, which `terminateConnections` spares. Comes back by itself after the database was away. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Backends of everybody else in this database. */
  backends(): Promise<number[]>;
  /** SIGSTOP for the whole of PostgreSQL: connections stay open and nobody answers. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/**
 * The built-in PostgreSQL of a server that was killed right after its start: it lives on for ten minutes without an owner,
 * has all tables, and runs as a user that may run it, whoever runs the tests.
 */
export async function startTestDatabase(home: string): Promise<TestDatabase> {
  const founder = await startTestServer({ home });
  await founder.kill();
  const password = (await readFile(join(home, 'db', 'password'), 'utf8')).trim();
  const pidFile = (await readFile(join(home, 'db', 'data', 'postmaster.pid'), 'utf8')).split('\n');
  const postmaster = Number(pidFile[0]);
  const url = `postgresql://runbeat:${password}@127.0.0.1:${pidFile[3]}/postgres`;
  const pool = new pg.Pool({ connectionString: url, max: 2, application_name: 'runbeat-test' });
  // A connection that breaks while it is idle is replaced with the next query.
  pool.on('error', () => undefined);
  const query = async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, [...values])).rows;
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of [postmaster, ...childrenOf(postmaster)]) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  return {
    url,
    query,
    async backends() {
      const rows = await query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'runbeat-test' ORDER BY pid`,
      );
      return rows.map(({ pid }) => pid);
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    close: () => pool.end(),
  };
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        // It ended while we looked.
        return false;
      }
    })
    .map(Number);
}
