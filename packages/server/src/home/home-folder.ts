import { accessSync, constants } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ServerError } from '../server-error.js';

/** The folders of a server below its home. */
export interface HomeFolder {
  readonly path: string;
  /** The built-in database; made by it. */
  readonly db: string;
  readonly logs: string;
  readonly runs: string;
  readonly adapters: string;
}

/** The home when no setting names one: `/var/lib/runbeat` for root, `~/.runbeat` for everybody else. */
export function defaultHome(userId: number | undefined = process.getuid?.()): string {
  return userId === 0 ? '/var/lib/runbeat' : join(homedir(), '.runbeat');
}

/** `RUNBEAT_HOME`, else the default. */
export function resolveHome(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment['RUNBEAT_HOME'];
  return named === undefined || named === '' ? defaultHome() : resolve(named);
}

/**
 * Makes the home and its folders. The home can be passed through by others (0711, the database's user must reach `db`)
 * but not listed; what is inside is the owner's alone. Rejects with `home_unusable`.
 */
export async function prepareHome(path: string): Promise<HomeFolder> {
  const home = {
    path,
    db: join(path, 'db'),
    logs: join(path, 'logs'),
    runs: join(path, 'runs'),
    adapters: join(path, 'adapters'),
  };
  try {
    await mkdir(path, { recursive: true, mode: 0o711 });
    await chmod(path, 0o711);
    for (const folder of [home.logs, home.runs, home.adapters]) await mkdir(folder, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ServerError(
      'home_unusable',
      `The home folder ${path} cannot be used (${(error as Error).message}). Give this user the right to write there, or name another folder by --home or RUNBEAT_HOME.`,
      { cause: error },
    );
  }
  return home;
}
