import { spawn } from 'node:child_process';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerError } from '../server-error.js';
import type { PostgresBinaries } from './binaries.js';
import { type DatabaseFolder, exists } from './database-folder.js';
import { type DatabaseUser, spawnIdentity } from './database-user.js';

export const databaseOwner = 'runbeat';

/** Makes the data folder if there is none yet. A try that died half way leaves only the folder in preparation. */
export async function initialiseDatabase(options: {
  readonly folder: DatabaseFolder;
  readonly binaries: PostgresBinaries;
  readonly user: DatabaseUser | null;
  /** Called when the program that makes it runs. */
  readonly onSpawn?: (() => void) | undefined;
}): Promise<'created' | 'existing'> {
  const { folder, binaries, user } = options;
  if (await exists(folder.data)) {
    await checkMajorVersion(folder, binaries);
    return 'existing';
  }
  await rm(folder.dataInPreparation, { recursive: true, force: true });
  const { code, output } = await runToEnd(
    binaries.initdb,
    [
      `--pgdata=${folder.dataInPreparation}`,
      `--username=${databaseOwner}`,
      `--pwfile=${folder.passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      // The built-in provider needs nothing from the system, so that names sort and fold the same everywhere.
      ...(binaries.majorVersion >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
      '--no-instructions',
    ],
    user,
    options.onSpawn,
  );
  if (code !== 0) {
    throw new ServerError(
      'database_start_failed',
      `The built-in PostgreSQL could not prepare ${folder.data}: ${output.trim().split('\n').slice(-5).join(' | ')}. Mend what it names (often a full disk or a folder it may not write), or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
  await rename(folder.dataInPreparation, folder.data);
  return 'created';
}

async function checkMajorVersion(folder: DatabaseFolder, binaries: PostgresBinaries): Promise<void> {
  const version = (await readFile(join(folder.data, 'PG_VERSION'), 'utf8')).trim();
  if (Number(version) === binaries.majorVersion) return;
  throw new ServerError(
    'database_start_failed',
    `The database in ${folder.data} was made by PostgreSQL ${version}, this release of Runbeat brings ${binaries.majorVersion}. Dump it with the old release and load it with this one, or run PostgreSQL ${version} yourself on this folder and set DATABASE_URL.`,
  );
}

function runToEnd(
  program: string,
  args: readonly string[],
  user: DatabaseUser | null,
  onSpawn?: () => void,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...spawnIdentity(user),
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-8_192);
      });
    }
    child.once('spawn', () => onSpawn?.());
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
