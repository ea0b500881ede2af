import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** What makes a pid mean something: the machine and the boot it belongs to. */
export interface Machine {
  readonly host: string;
  readonly bootId: string;
}

let known: Machine | null = null;

/** This machine and this boot. Read once: neither changes while a process lives. */
export function thisMachine(): Machine {
  known ??= { host: hostname(), bootId: readBootId() };
  return known;
}

function readBootId(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  if (process.platform === 'darwin') {
    return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
  }
  // No boot id is told here. Handles of such systems are only used while their host lives.
  return 'unknown';
}
