import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a PostgreSQL server says about itself in `postmaster.pid`, the file by which a living one is found again. */
export interface PostmasterPid {
  readonly pid: number;
  readonly dataFolder: string;
  readonly port: number;
  /** `starting`, `ready`, `stopping` or `standby`; null while the file is still being written. */
  readonly state: string | null;
}

export function postmasterPidFrom(content: string): PostmasterPid | null {
  const lines = content.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, dataFolder: lines[1] ?? '', port: Number(lines[3]) || 0, state: lines[7] || null };
}

/** Null when no server has the folder, or none that came up far enough to write the file. */
export async function readPostmasterPid(dataFolder: string): Promise<PostmasterPid | null> {
  try {
    return postmasterPidFrom(await readFile(join(dataFolder, 'postmaster.pid'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
