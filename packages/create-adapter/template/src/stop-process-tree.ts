import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from '@runbeat/adapter-sdk';

export interface ProcessTree {
  readonly runId: string;
  /** The command, leader of its process group. */
  readonly pid: number;
  /** Milliseconds between asking and forcing. */
  readonly graceMs: number;
}

/** Ask everything that the run started to end, then force it. Resolves when nothing of it is left. */
export async function stopProcessTree({ runId, pid, graceMs }: ProcessTree): Promise<{ forced: boolean }> {
  const deadline = Date.now() + graceMs;
  signalAll(targets(runId, pid), 'SIGTERM');
  while (Date.now() < deadline) {
    if (targets(runId, pid).length === 0) return { forced: false };
    await sleep(20);
  }
  for (let left = targets(runId, pid); left.length > 0; left = targets(runId, pid)) {
    signalAll(left, 'SIGKILL');
    await sleep(20);
  }
  return { forced: true };
}

/**
 * What `process.kill` has to be given to reach all that still runs. On Linux each process of the run carries its id in
 * the environment, also one that left the group (`setsid`). Elsewhere the process group is all that can be named.
 */
function targets(runId: string, pid: number): number[] {
  if (process.platform !== 'linux') return canReach(-pid) ? [-pid] : [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => read(`/proc/${name}/environ`).split('\0').includes(`RUNBEAT_RUN_ID=${runId}`))
    .filter((name) => !isZombie(name))
    .map(Number);
}

function isZombie(pid: string): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

/** Empty for a process that has ended or belongs to somebody else: neither is ours to stop. */
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
      // It ended between looking and signalling.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function canReach(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
