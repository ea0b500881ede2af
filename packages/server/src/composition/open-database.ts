import { createDatabase, type Database, migrateDatabase } from '../db/index.js';
import { createEmbeddedPostgres, type EmbeddedPostgres } from '../embedded-postgres/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { Logger } from '../supervisor/ports/index.js';

/** The database of a server: its own embedded one, or the one that `databaseUrl` names. Migrated and ready. */
export interface OpenDatabase {
  readonly database: Database;
  /** Nobody else can use it: it is under the lock of the home folder. */
  readonly isEmbedded: boolean;
  close(): Promise<void>;
}

export async function openDatabase(settings: ServerSettings, logger: Logger): Promise<OpenDatabase> {
  const embedded = settings.databaseUrl === undefined ? createEmbeddedPostgres({ home: settings.home, logger }) : null;
  const connectionString = settings.databaseUrl ?? (await startEmbedded(embedded, logger));
  const database = createDatabase({ connectionString, logger, maxConnections: settings.databasePoolSize });
  const close = async (): Promise<void> => {
    await database.close();
    await embedded?.stop();
  };
  try {
    await migrateDatabase(database);
  } catch (error) {
    await close();
    throw error;
  }
  return { database, isEmbedded: embedded !== null, close };
}

async function startEmbedded(embedded: EmbeddedPostgres | null, logger: Logger): Promise<string> {
  const started = await embedded?.start();
  logger.debug({ pid: started?.pid, port: started?.port, wasAdopted: started?.wasAdopted }, 'the embedded PostgreSQL is up');
  return started?.connectionString ?? '';
}
