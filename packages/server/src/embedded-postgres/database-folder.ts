import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerError } from '../server-error.js';
import { sharedFolder } from './binaries.js';
import { canUserAccess, type DatabaseUser } from './database-user.js';

/** Everything of the built-in database on disk. */
export interface DatabaseFolder {
  /** Owned by the database's user; holds the rest. */
  readonly root: string;
  /** PostgreSQL's data; absent until it was made whole. */
  readonly data: string;
  /** Where data is prepared before it becomes `data` in one rename. */
  readonly dataInPreparation: string;
  readonly passwordFile: string;
  readonly password: string;
  readonly log: string;
  /** Written by the owning server now and then; its watchdog reads it. */
  readonly ownerBeat: string;
}

/**
 * `<home>/db`, owned by the database's user. Where that user cannot reach the home (a home below `/root`), `db` is a link
 * to a folder in `/var/lib/runbeat`, so that one look at the home still finds the data.
 */
export async function prepareDatabaseFolder(home: string, user: DatabaseUser | null): Promise<DatabaseFolder> {
  const link = join(home, 'db');
  if (!(await exists(link))) {
    await makeOwnedFolder(link, user);
    if (!canUserAccess(user, 'write', link)) await moveToSharedFolder(link, home, user);
  }
  const root = await realpath(link).catch((error: unknown) => {
    throw unusable(link, user, error);
  });
  await chmod(root, 0o700);
  if (user !== null) await chown(root, user.uid, user.gid);
  if (!canUserAccess(user, 'write', root)) throw unusable(root, user, undefined);

  const passwordFile = join(root, 'password');
  return {
    root,
    data: join(root, 'data'),
    dataInPreparation: join(root, 'data.partial'),
    passwordFile,
    password: await readOrCreatePassword(passwordFile, user),
    log: join(root, 'postgres.log'),
    ownerBeat: join(root, 'owner-beat'),
  };
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

async function makeOwnedFolder(path: string, user: DatabaseUser | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (user !== null) await chown(path, user.uid, user.gid);
}

async function moveToSharedFolder(link: string, home: string, user: DatabaseUser | null): Promise<void> {
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const target = join(sharedFolder, 'databases', name);
  try {
    await mkdir(join(sharedFolder, 'databases'), { recursive: true, mode: 0o711 });
    await makeOwnedFolder(target, user);
    if (!canUserAccess(user, 'write', target)) throw unusable(target, user, undefined);
    await rm(link, { recursive: true });
    await symlink(target, link);
  } catch (error) {
    throw unusable(link, user, error);
  }
}

function unusable(path: string, user: DatabaseUser | null, cause: unknown): ServerError {
  const who = user === null ? 'this user' : `the user ${user.name}, as whom root runs PostgreSQL`;
  return new ServerError(
    'database_start_failed',
    `The database folder ${path} cannot be used by ${who}. Choose a home folder that this user can reach (--home or RUNBEAT_HOME), or set DATABASE_URL to a PostgreSQL of your own.`,
    { cause },
  );
}

async function readOrCreatePassword(path: string, user: DatabaseUser | null): Promise<string> {
  const stored = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (stored !== null) return stored.trim();
  const password = randomBytes(24).toString('hex');
  const partial = `${path}.partial`;
  await writeFile(partial, `${password}\n`, { mode: 0o600 });
  if (user !== null) await chown(partial, user.uid, user.gid);
  await rename(partial, path);
  return password;
}
