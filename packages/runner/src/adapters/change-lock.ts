import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownIdentity, type ProcessIdentity, processLife } from '@runbeat/adapter-sdk/processes';
import { lockHolderSchema } from '../home/lock-holder.js';
import { runnerError } from '../runner-error.js';

const LOOK_MS = 40;

/**
 * Whoever changes what is installed in a home holds this, one at a time over all processes: the runner and each command.
 * It waits for the holder; the lock of a process that died is free.
 *
 * The lock is a row of numbered files; the highest is the holder's. A file comes into being whole and at most once (`link`
 * refuses an existing name), and the highest is never deleted, so two that find a dead holder at once cannot both follow
 * it, and nobody deletes the lock of somebody quicker.
 *
 * Rejects with `runner_adapters_busy` when the holder keeps it for longer than `limitMs`, or the signal aborts before.
 */
export async function holdingChangeLock<T>(
  folder: string,
  wait: { readonly limitMs: number; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const lockFolder = join(folder, '.lock');
  await mkdir(lockFolder, { recursive: true, mode: 0o700 });
  const mine = await acquire(lockFolder, wait);
  try {
    return await work();
  } finally {
    // Emptied, not deleted: see above. It also takes no room on a full disk.
    await truncate(join(lockFolder, String(mine)));
  }
}

async function acquire(
  folder: string,
  { limitMs, signal }: { readonly limitMs: number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const last = await highest(folder);
    const holder = last === 0 ? null : await readHolder(folder, last);
    if (holder === null || (await processLife(holder)) === 'gone') {
      const mine = last + 1;
      if (await create(folder, mine)) {
        if ((await highest(folder)) === mine) {
          await forgetBefore(folder, mine);
          return mine;
        }
        // The number was given out and cleared away again between our two looks: others are further.
        await rm(join(folder, String(mine)), { force: true });
      }
    } else if (signal?.aborted) {
      throw runnerError(
        'runner_adapters_busy',
        `The wait for process ${holder.pid}, which changes the adapters in ${folder}, was given up.`,
      );
    } else if (performance.now() - startMs > limitMs) {
      throw runnerError(
        'runner_adapters_busy',
        `Process ${holder.pid} has been changing the adapters in ${folder} for longer than ${Math.round(limitMs / 1000)} s. Wait for it, or end it, and try again.`,
      );
    } else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^\d{1,15}$/.test(name)).map(Number);
}

async function highest(folder: string): Promise<number> {
  return Math.max(0, ...(await numbers(folder)));
}

/** False = somebody else has the number. */
async function create(folder: string, number: number): Promise<boolean> {
  const whole = join(folder, `.${randomUUID()}`);
  await writeFile(whole, JSON.stringify(ownIdentity()), { mode: 0o600 });
  try {
    await link(whole, join(folder, String(number)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(whole, { force: true });
  }
}

async function forgetBefore(folder: string, mine: number): Promise<void> {
  const older = (await numbers(folder)).filter((number) => number < mine);
  await Promise.all(older.map((number) => rm(join(folder, String(number)), { force: true })));
}

/** Null = nobody: released, cleared away meanwhile, or cut off by a crash of the machine, which no holder survived. */
async function readHolder(folder: string, number: number): Promise<ProcessIdentity | null> {
  const text = await readFile(join(folder, String(number)), 'utf8').catch(() => '');
  try {
    return lockHolderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
