import type { Database } from '../db/index.js';
import type { HomeFolder } from '../home/index.js';
import { createFsLogStore } from '../log-stores/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { LogStore } from '../supervisor/ports/index.js';

/** The log store that the settings name. */
export async function openLogStore(
  settings: Pick<ServerSettings, 'logStore'>,
  home: HomeFolder,
  database: Database,
): Promise<LogStore> {
  switch (settings.logStore.kind) {
    case 'fs':
      return createFsLogStore({ folder: settings.logStore.folder ?? home.logs });
    default:
      throw new Error('interim');
  }
}
