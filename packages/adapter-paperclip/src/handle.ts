import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { processRow, thisMachine } from '@runbeat/adapter-sdk/processes';
import { isMembers } from './paperclip-module.js';

/** The host's own handle for a process that a module announced; null when the announcement names no process. */
export async function handleFromSpawn(meta: unknown): Promise<ProcessHandleV1 | null> {
  if (!isMembers(meta)) return null;
  const pid = meta['pid'];
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return null;
  const entry = await processRow(pid);
  const group = meta['processGroupId'];
  // Older modules announce a pid alone; the system knows its group. A group that the process does not lead is the host's.
  const announced = typeof group === 'number' && Number.isSafeInteger(group) && group > 1 ? group : (entry?.groupId ?? null);
  const startedAt = meta['startedAt'];
  return {
    kind: 'process',
    pid,
    processGroupId: announced === pid ? pid : null,
    startedAt: typeof startedAt === 'string' ? startedAt : new Date().toISOString(),
    ...thisMachine(),
    startTicks: entry?.startTicks ?? null,
  };
}

/** Whether the handle means a process of this machine since its last start. */
export function isOfThisBoot(handle: ProcessHandleV1): boolean {
  const machine = thisMachine();
  return handle.host === machine.host && handle.bootId === machine.bootId;
}
