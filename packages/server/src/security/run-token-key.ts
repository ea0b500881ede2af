import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerError } from '../server-error.js';

const keyBytes = 32;

/**
 * The key that signs run tokens: `<home>/run-token.key`, mode 0600, made on first use. It outlives restarts, so that
 * work that survives the server keeps its token. Rejects with `home_unusable` when it cannot be read or made.
 */
export async function loadRunTokenKey(home: string): Promise<Uint8Array> {
  const path = join(home, 'run-token.key');
  try {
    return (await readKey(path)) ?? (await makeKey(path));
  } catch (error) {
    if (error instanceof ServerError) throw error;
    throw new ServerError(
      'home_unusable',
      `The key of run tokens at ${path} can be neither read nor made: ${(error as Error).message}. Give the server's user access to the home folder.`,
      { cause: error },
    );
  }
}

async function readKey(path: string): Promise<Uint8Array | null> {
  try {
    const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64url');
    if (key.length < keyBytes) {
      throw new ServerError(
        'home_unusable',
        `${path} does not hold a key. Delete it: a new one is made, and runs that are at work now lose access to the API.`,
      );
    }
    await chmod(path, 0o600);
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function makeKey(path: string): Promise<Uint8Array> {
  const key = randomBytes(keyBytes);
  const temporary = `${path}.${process.pid}`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${key.toString('base64url')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
  return key;
}
