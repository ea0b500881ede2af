import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { AdapterError } from './adapter-error.js';
import type { ProcessHandleV1 } from './v1/run-handle-v1.js';

let knownBootId: string | null = null;

/**
 * The handle of a child that this process has just started, for `onSpawn`: what a later host needs to be sure that the
 * pid is still this child and not another process that got its number.
 * @param options.leadsGroup whether it was spawned `detached`, as leader of a process group of its own.
 */
export function processHandle(pid: number, options: { readonly leadsGroup: boolean }): ProcessHandleV1 {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new AdapterError('invalid_argument', `pid must be the number of a process, it is ${pid}. Did the child start?`);
  }
  knownBootId ??= readBootId();
  return {
    kind: 'process',
    pid,
    processGroupId: options.leadsGroup ? pid : null,
    startedAt: new Date().toISOString(),
    host: hostname(),
    bootId: knownBootId,
    startTicks: process.platform === 'linux' ? readStartTicks(pid) : null,
  };
}

function readBootId(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  if (process.platform === 'darwin') {
    return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
  }
  // Nothing tells it on this system: the handle is of use only while its host lives.
  return 'unknown';
}

/** Null when the process has already ended; its exit tells the rest. */
function readStartTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields are counted from behind the command's name, which is in parentheses and may contain blanks and some itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
