import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createDatabase, migrateDatabase } from '../../src/db/index.js';
import { createEmbeddedPostgres } from '../../src/embedded-postgres/index.js';
import { noLogger } from '../../src/supervisor/ports/index.js';
import { postgresFromEnvironment } from './postgres-version.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Connection string of the run's PostgreSQL, database `postgres`. */
    readonly databaseServerUrl: string;
  }
}

export const templateDatabase = 'runbeat_template';

/**
 * One PostgreSQL per test run, in a folder that is thrown away, with one migrated database that tests copy. It keeps no
 * promise to the disk, because nobody will read it after a power cut; everything else is as in production.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'runbeat-test-db-'));
  await chmod(home, 0o711);
  const postgres = createEmbeddedPostgres({
    home,
    logger: noLogger,
    ...postgresFromEnvironment({ ...process.env, ...project.config.env }),
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
    // A run that is killed leaves its database behind for no longer than this.
    orphanMs: 60_000,
  });
  const { connectionString } = await postgres.start();
  const server = createDatabase({ connectionString, logger: noLogger });
  await server.pool.query(`CREATE DATABASE ${templateDatabase}`);
  await server.close();
  const template = createDatabase({ connectionString: databaseUrl(connectionString, templateDatabase), logger: noLogger });
  await migrateDatabase(template);
  await template.close();
  project.provide('databaseServerUrl', connectionString);
  return async () => {
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  };
}

/** The same server, another database. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
