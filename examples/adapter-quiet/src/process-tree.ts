import { readdirSync, readFileSync } from 'node:fs';
import { sleep, type TerminationV1 } from '@runbeat/adapter-sdk';

/**
 * Ends everything of a run: asks, waits, forces. A run's processes carry its id in their environment, so none is missed
 * that left the process group, and no stranger is hit whose pid was once ours. Linux only, as this example is.
 */
export async function endProcessTree(runId: string, graceMs: number): Promise<TerminationV1> {
  const first = processesOf(runId);
  if (first.length === 0) return { stopped: 'already_gone' };
  signalAll(first, 'SIGTERM');
  const forceAt = Date.now() + graceMs;
  while (Date.now() < forceAt) {
    if (processesOf(runId).length === 0) return { stopped: 'graceful' };
    await sleep(20);
  }
  for (let left = processesOf(runId); left.length > 0; left = processesOf(runId)) {
    signalAll(left, 'SIGKILL');
    await sleep(20);
  }
  return { stopped: 'forced' };
}

/** Pids of the run that really run: a zombie has ended. */
export function processesOf(runId: string): number[] {
  const mark = `RUNBEAT_RUN_ID=${runId}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => read(`/proc/${name}/environ`).split('\0').includes(mark))
    .filter((name) => !/^$|\) Z /.test(read(`/proc/${name}/stat`)))
    .map(Number);
}

/** Empty for a process that has ended meanwhile, or that is not ours to look at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
