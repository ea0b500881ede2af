import { createEmbeddedPostgres } from '../embedded-postgres/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { Logger } from '../supervisor/ports/index.js';

/** The PostgreSQL of a server: its own embedded one, on its way up, or the one that `databaseUrl` names. */
export interface DatabaseProgram {
  /** Nobody else can use it: it is under the lock of the home folder. */
  readonly isEmbedded: boolean;
  /** Resolves when it takes connections. Rejects with `database_start_failed`. */
  connectionString(): Promise<string>;
  /** Ends the embedded one, also while it comes up. */
  stop(): Promise<void>;
}

/** Resolves as soon as its programs run by themselves, before they are ready. Rejects with `database_start_failed`. */
export async function startDatabaseProgram(
  settings: Pick<ServerSettings, 'databaseUrl' | 'home'>,
  logger: Logger,
): Promise<DatabaseProgram> {
  const { databaseUrl } = settings;
  if (databaseUrl !== undefined)
    return { isEmbedded: false, connectionString: async () => databaseUrl, stop: async () => undefined };

  let isWorking: () => void = () => undefined;
  const working = new Promise<void>((resolve) => {
    isWorking = resolve;
  });
  const embedded = createEmbeddedPostgres({ home: settings.home, logger, onWorking: () => isWorking() });
  const starting = embedded.start();
  await Promise.race([working, starting]);
  const ended = starting.then(
    () => undefined,
    // Told by `connectionString`.
    () => undefined,
  );
  return {
    isEmbedded: true,
    async connectionString() {
      const { connectionString, pid, port, wasAdopted } = await starting;
      logger.debug({ pid, port, wasAdopted }, 'the embedded PostgreSQL is up');
      return connectionString;
    },
    async stop() {
      await ended;
      await embedded.stop();
    },
  };
}
