import { type Machine, thisMachine } from './machine.js';
import { isSameProcess, type ProcessIdentity } from './process-identity.js';
import { type ProcessRow, processRow } from './process-row.js';

/** `unknown` = could not find out: another machine's pid, or a system that hides the process. Never read it as gone. */
export type ProcessLife = 'alive' | 'gone' | 'unknown';

/** Whether the process that this identity names lives. A zombie and a stranger with the same pid are `gone`. Never rejects. */
export async function processLife(identity: ProcessIdentity, machine: Machine = thisMachine()): Promise<ProcessLife> {
  const isOfThisHost = identity.host === undefined || identity.host === machine.host;
  if (identity.bootId !== machine.bootId) return isOfThisHost ? 'gone' : 'unknown';
  let row: ProcessRow | null;
  try {
    row = await processRow(identity.pid);
  } catch {
    return 'unknown';
  }
  const isSame = row !== null && isSameProcess(row, identity);
  if (row !== null && isSame === true) return row.isZombie ? 'gone' : 'alive';
  if (isSame === null || (row === null && isHidden(identity.pid))) return 'unknown';
  // Same boot under another host name: a renamed machine, or a container beside ours whose pids we cannot see.
  return isOfThisHost ? 'gone' : 'unknown';
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
