import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { ServerError } from '../server-error.js';
import type { Database } from './database.js';
import { databaseFailure } from './database-failure.js';

/** Any number that nobody else takes a lock by. */
const migrationLock = 4_400_001;
const oldestServerVersion = 150_000;

/** Beside this file in the sources; in the built package the files are bundled and the folder is copied next to them. */
function migrationsFolder(): string {
  const candidates = ['./migrations', './db/migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return candidates.find((path) => existsSync(path)) ?? String(candidates[0]);
}

/**
 * Brings the schema up to date. Called once per start; instances that start together wait for each other by an advisory
 * lock. Rejects with `database_too_old` below PostgreSQL 15.
 */
export async function migrateDatabase(database: Pick<Database, 'connectionString'>): Promise<void> {
  // A connection of its own: neither waiting for another instance nor a long migration may meet the pool's time limits.
  const client = new pg.Client({ connectionString: database.connectionString, connectionTimeoutMillis: 10_000, keepAlive: true });
  // Without a listener a lost connection would end the process; the statement that it interrupts rejects.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
    const version = Number(rows[0]?.server_version_num);
    if (version < oldestServerVersion) {
      throw new ServerError(
        'database_too_old',
        `DATABASE_URL names PostgreSQL ${Math.floor(version / 10_000)}; Runbeat needs 15 or newer. Upgrade it, or leave DATABASE_URL out to use the built-in one.`,
      );
    }
    // Held until the connection ends.
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await runMigrations(drizzle(client, { casing: 'snake_case' }), { migrationsFolder: migrationsFolder() });
  } catch (error) {
    throw databaseFailure(error);
  } finally {
    await client.end();
  }
}
