import { AdapterError } from './adapter-error.js';
import { thisMachine } from './processes/machine.js';
import { linuxRow } from './processes/process-row.js';
import type { ProcessHandleV1 } from './v1/run-handle-v1.js';

/**
 * The handle of a child that this process has just started, for `onSpawn`: what a later host needs to be sure that the
 * pid is still this child and not another process that got its number.
 * @param options.leadsGroup whether it was spawned `detached`, as leader of a process group of its own.
 */
export function processHandle(pid: number, options: { readonly leadsGroup: boolean }): ProcessHandleV1 {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new AdapterError('invalid_argument', `pid must be the number of a process, it is ${pid}. Did the child start?`);
  }
  return {
    kind: 'process',
    pid,
    processGroupId: options.leadsGroup ? pid : null,
    startedAt: new Date().toISOString(),
    ...thisMachine(),
    // Null when the process has already ended; its exit tells the rest.
    startTicks: process.platform === 'linux' ? (linuxRow(pid)?.startTicks ?? null) : null,
  };
}
