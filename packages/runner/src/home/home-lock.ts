import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownIdentity, processLife } from '@runbeat/adapter-sdk/processes';
import { runnerError } from '../runner-error.js';
import { lockHolderSchema } from './lock-holder.js';

/** File in the home folder that names the process that works there. */
export const homeLockName = 'runner.lock';

/** One runner per home folder. Rejects with `runner_home_locked`, naming the holder; a dead holder's lock is taken over. */
export async function lockHome(home: string): Promise<{ release(): Promise<void> }> {
  const path = join(home, homeLockName);
  const self = JSON.stringify(ownIdentity());
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      await createWhole(path, self);
      return {
        async release() {
          // Only our own: whoever took it over believed us dead.
          if ((await readText(path)) === self) await rm(path, { force: true });
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw runnerError('runner_home_unusable', `The home folder ${home} cannot be written: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    const text = await readText(path);
    const holder = lockHolderSchema.safeParse(jsonFrom(text));
    if (holder.success && (await processLife(holder.data)) !== 'gone') {
      throw runnerError(
        'runner_home_locked',
        `The home folder ${home} is in use by process ${holder.data.pid}. Stop that runner, or give this one another --home.`,
      );
    }
    // Of two that find a dead holder at once, one removes the lock and the other may remove the new one: look again first.
    if ((await readText(path)) === text) await rm(path, { force: true });
  }
  throw runnerError('runner_home_locked', `The lock of ${home} keeps changing hands. Another runner is starting there.`);
}

/** The pid of the runner that works from this home; null = none does. */
export async function findHomeHolder(home: string): Promise<number | null> {
  const holder = lockHolderSchema.safeParse(jsonFrom(await readText(join(home, homeLockName))));
  return holder.success && (await processLife(holder.data)) !== 'gone' ? holder.data.pid : null;
}

/** The file appears with its content or not at all: an empty one would look like the lock of a dead holder. */
async function createWhole(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content, { flag: 'wx', mode: 0o600 });
  try {
    await link(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
