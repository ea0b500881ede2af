import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { ServerError } from '../server-error.js';

const runFile = promisify(execFile);

/** Who runs PostgreSQL; null = whoever runs this process. */
export interface DatabaseUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root runs it as `postgres` where that user exists, else as `nobody`. */
export async function findDatabaseUser(): Promise<DatabaseUser | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => runFile('id', [flag, name]))).catch(() => null);
    const [uid, gid] = ids?.map((answer) => Number(answer.stdout)) ?? [];
    if (uid && gid) return { name, uid, gid };
  }
  throw new ServerError(
    'database_start_failed',
    'The built-in PostgreSQL cannot run as root, and this system has neither a user `postgres` nor `nobody`. Run Runbeat as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** The `spawn` options that make a child run as the user. */
export function spawnIdentity(user: DatabaseUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

/**
 * Whether the user may do this with the path. Asked by trying, as that user: modes alone do not tell (access lists,
 * mounts, parents).
 */
export function canUserAccess(user: DatabaseUser | null, access: 'execute' | 'write', path: string): boolean {
  const flag = access === 'execute' ? '-x' : '-w';
  const answer = spawnSync('/bin/sh', ['-c', `[ ${flag} "$1" ]`, 'sh', path], {
    ...spawnIdentity(user),
    cwd: '/',
    stdio: 'ignore',
  });
  return answer.status === 0;
}
