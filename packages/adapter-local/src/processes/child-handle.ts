import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { thisMachine } from './machine.js';
import { linuxRow } from './process-row.js';

/**
 * The handle of a child that this process has just started.
 * @param leadsGroup whether it was started `detached`, as leader of a group of its own.
 */
export function handleOfChild(pid: number, leadsGroup: boolean): ProcessHandleV1 {
  const { host, bootId } = thisMachine();
  const startTicks = process.platform === 'linux' ? (linuxRow(pid)?.startTicks ?? null) : null;
  const startedAt = new Date().toISOString();
  return { kind: 'process', pid, processGroupId: leadsGroup ? pid : null, startedAt, host, bootId, startTicks };
}
