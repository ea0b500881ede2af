import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, waitUntil } from './processes.js';

/** Ends the embedded PostgreSQL that a killed server left; it is ours, by its pid file. */
export async function endDatabase(home: string): Promise<void> {
  const pidFile = await readFile(join(home, 'db', 'data', 'postmaster.pid'), 'utf8').catch(() => null);
  const pid = Number(pidFile?.split('\n')[0]);
  if (!(pid > 0) || !isAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  await waitUntil(
    () => !isAlive(pid),
    30_000,
    () => `the database ${pid} to end`,
  );
}
