import type { Database } from '../db/index.js';
import type { HomeFolder } from '../home/index.js';
import { createFsLogStore, createPostgresLogStore, createS3LogStore, type S3Options } from '../log-stores/index.js';
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
    case 'postgres':
      return createPostgresLogStore({ database });
    case 's3':
      return createS3LogStore(s3Options(settings.logStore));
  }
}

/** Without the members that are not set. */
function s3Options({ kind: _kind, endpoint, ...rest }: Extract<ServerSettings['logStore'], { kind: 's3' }>): S3Options {
  return endpoint === undefined ? rest : { ...rest, endpoint };
}
