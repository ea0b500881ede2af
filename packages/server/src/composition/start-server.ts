import { acquireHomeLock, prepareHome } from '../home/index.js';
import { checkAddress } from './check-address.js';
import { createClosers } from './closers.js';
import type { OpenServer, OpenServerOptions } from './open-server.js';
import { startDatabaseProgram } from './start-database-program.js';

/**
 * Takes the home folder and starts its database, which works in processes of its own; while it does, most of the code is
 * loaded. Hence this file and what it imports load little. What was opened is closed in reverse order, by `close` or when
 * a later step fails.
 */
export async function startServer(options: OpenServerOptions): Promise<OpenServer> {
  const { settings, logger } = options;
  checkAddress(settings);
  const closers = createClosers(logger);
  try {
    const home = await prepareHome(settings.home);
    const lock = await acquireHomeLock(home.path);
    closers.add('home lock', () => lock.release());
    const databaseProgram = await startDatabaseProgram(settings, logger);
    closers.add('database program', () => databaseProgram.stop());
    const { openServer } = await import('./open-server.js');
    return await openServer(options, { home, closers, databaseProgram });
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
