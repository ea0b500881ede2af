import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processLife } from '@runbeat/adapter-sdk/processes';
import type { RunFolder } from '../capsule/run-folder.js';
import { runFolder } from '../capsule/run-folder.js';
import { storedHandle } from '../capsule/stored-handle.js';

/**
 * When the folders of ended runs go. The contract has no word by which a host says "stored", so time says it:
 * - a run whose result was handed to the host stays for `keepReturnedMs` of this process's life, while the host settles it.
 *   Should the host die within that time, the folder is still there for the next one to reattach to;
 * - a folder that no living process knows of goes `keepUnclaimedMs` after its last change, once nothing of it is alive.
 */
export interface FolderRetention {
  /** The result of this run was handed to the host. */
  returned(folder: RunFolder): void;
  /** Removes what is due. At most once a minute it also looks for folders that nobody claimed. */
  sweep(): Promise<void>;
}

export interface FolderRetentionOptions {
  readonly runsDirectory: () => string;
  /** Default 10 minutes. */
  readonly keepReturnedMs?: number;
  /** Default 7 days. */
  readonly keepUnclaimedMs?: number;
  readonly now?: () => number;
}

const sweepEveryMs = 60_000;

export function createFolderRetention(options: FolderRetentionOptions): FolderRetention {
  const keepReturnedMs = options.keepReturnedMs ?? 600_000;
  const keepUnclaimedMs = options.keepUnclaimedMs ?? 604_800_000;
  const now = options.now ?? Date.now;
  /** Path → time of the hand-over, oldest first; written by `returned` and `sweep` only. */
  const returnedAt = new Map<string, number>();
  let sweptAt = Number.NEGATIVE_INFINITY;

  return {
    returned(folder) {
      returnedAt.set(folder.path, now());
    },
    async sweep() {
      for (const [path, at] of returnedAt) {
        if (now() - at < keepReturnedMs) break;
        returnedAt.delete(path);
        await rm(path, { recursive: true, force: true });
      }
      if (now() - sweptAt < sweepEveryMs) return;
      sweptAt = now();
      await removeUnclaimed(options.runsDirectory(), now() - keepUnclaimedMs, returnedAt);
    },
  };
}

async function removeUnclaimed(runsDirectory: string, before: number, claimed: ReadonlyMap<string, number>): Promise<void> {
  if (!existsSync(runsDirectory)) return;
  for (const name of readdirSync(runsDirectory)) {
    const path = join(runsDirectory, name);
    if (claimed.has(path) || !isOlder(path, before)) continue;
    const handle = storedHandle(runFolder(runsDirectory, name));
    if (handle !== null && (await processLife(handle)) !== 'gone') continue;
    rmSync(path, { recursive: true, force: true });
  }
}

/** Whether a run's folder and both outputs were last changed before this time. */
function isOlder(path: string, before: number): boolean {
  const folder = runFolder(join(path, '..'), path.slice(path.lastIndexOf('/') + 1));
  return [path, folder.stdout, folder.stderr].every((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined || stats.mtimeMs < before;
  });
}
