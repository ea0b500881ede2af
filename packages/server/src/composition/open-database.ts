import { createDatabase, type Database, migrateDatabase } from '../db/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { Logger } from '../supervisor/ports/index.js';

/** The database of a server, migrated and ready. Closing it leaves its program alone. */
export async function openDatabase(
  connectionString: string,
  settings: Pick<ServerSettings, 'databasePoolSize'>,
  logger: Logger,
): Promise<Database> {
  const database = createDatabase({ connectionString, logger, maxConnections: settings.databasePoolSize });
  try {
    await migrateDatabase(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
