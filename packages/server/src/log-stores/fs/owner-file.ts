import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The epoch of whoever opened the log last; 0 when nobody did. Kept beside the log for processes that share the disk. */
export async function readOwnerEpoch(folder: string): Promise<number> {
  const content = await readFile(join(folder, 'owner'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '0';
    throw error;
  });
  return Number.parseInt(content, 10) || 0;
}

export async function writeOwnerEpoch(folder: string, epoch: number): Promise<void> {
  const draft = join(folder, `owner.${process.pid}`);
  await writeFile(draft, `${epoch}\n`, { mode: 0o600 });
  await rename(draft, join(folder, 'owner'));
}
