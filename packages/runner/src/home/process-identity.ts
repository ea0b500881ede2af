import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Start time of a process in clock ticks since boot; null = no such process, a zombie, or not Linux. */
export function startTicksOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, field 2, may hold spaces and parentheses: count from behind its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** Another boot = every process of before is gone. Where the system does not tell, the host's name. */
export function currentBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `host-${hostname()}`.slice(0, 100);
  }
}

/** Whether the process that these facts were taken from still lives. A pid alone is not believed where more is known. */
export function isSameProcessAlive(facts: {
  readonly pid: number;
  readonly startTicks: string | null;
  readonly bootId: string;
}): boolean {
  if (facts.bootId !== currentBootId()) return false;
  if (facts.startTicks !== null) return startTicksOf(facts.pid) === facts.startTicks;
  try {
    process.kill(facts.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
