import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { type Machine, thisMachine } from './machine.js';
import { type ProcessRow, processRow } from './process-row.js';

/** `unknown` = could not find out: another machine's pid, or a system that hides the process. Never read it as gone. */
export type ProcessLife = 'alive' | 'gone' | 'unknown';

/** What identifies a process: a pid is only believed together with its start. */
export type ProcessIdentity = Pick<ProcessHandleV1, 'pid' | 'startTicks' | 'startedAt' | 'host' | 'bootId'>;

/** `ps` tells whole seconds, and the clock may have been set a little in between. */
const startToleranceMs = 2_500;

/** Whether the process that this identity names lives. A zombie and a stranger with the same pid are `gone`. */
export async function processLife(identity: ProcessIdentity, machine: Machine = thisMachine()): Promise<ProcessLife> {
  if (identity.bootId !== machine.bootId) return identity.host === machine.host ? 'gone' : 'unknown';
  let row: ProcessRow | null;
  try {
    row = await processRow(identity.pid);
  } catch {
    return 'unknown';
  }
  if (row !== null && isSameProcess(row, identity)) return row.isZombie ? 'gone' : 'alive';
  if (row === null && isHidden(identity.pid)) return 'unknown';
  // Same boot under another host name: a renamed machine, or a container beside ours whose pids we cannot see.
  return identity.host === machine.host ? 'gone' : 'unknown';
}

/** Whether a listed process is the one that the identity names, and not a later one that was given the same pid. */
export function isSameProcess(row: ProcessRow, identity: Pick<ProcessIdentity, 'pid' | 'startTicks' | 'startedAt'>): boolean {
  if (row.pid !== identity.pid) return false;
  if (identity.startTicks !== null && row.startTicks !== null) return row.startTicks === identity.startTicks;
  if (row.startedAtMs === null) return false;
  return Math.abs(row.startedAtMs - Date.parse(identity.startedAt)) <= startToleranceMs;
}

/** `/proc` mounted with `hidepid` lists nothing, while signalling says that there is somebody. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
