import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The epoch of whoever opened the log last; 0 when nobody did. Kept beside the log for processes that share the disk. Read
 * in place: each writer asks once a second, and four trips through the thread pool cost ten times the reading.
 */
export function readOwnerEpoch(folder: string): number {
  try {
    return Number.parseInt(readFileSync(join(folder, 'owner'), 'utf8'), 10) || 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

export async function writeOwnerEpoch(folder: string, epoch: number): Promise<void> {
  const draft = join(folder, `owner.${process.pid}`);
  await writeFile(draft, `${epoch}\n`, { mode: 0o600 });
  await rename(draft, join(folder, 'owner'));
}
