import { readFileSync } from 'node:fs';

/** Whether a process of this machine runs. A zombie does not: it only waits for its parent to notice. */
export function isLocalProcessAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but it is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The state stands behind the command's name, which is in parentheses and may contain some itself.
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    // No /proc on this system, or the process ended meanwhile: the signal's answer stands.
    return false;
  }
}
