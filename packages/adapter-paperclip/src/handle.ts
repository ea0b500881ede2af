import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { isMembers } from './paperclip-module.js';
import { readProcess } from './processes/process-table.js';

/** The host's own handle for a process that a module announced; null when the announcement names no process. */
export async function handleFromSpawn(meta: unknown): Promise<ProcessHandleV1 | null> {
  if (!isMembers(meta)) return null;
  const pid = meta['pid'];
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return null;
  const entry = await readProcess(pid);
  const group = meta['processGroupId'];
  // Older modules announce a pid alone; the system knows its group. A group that the process does not lead is the host's.
  const announced =
    typeof group === 'number' && Number.isSafeInteger(group) && group > 1 ? group : (entry?.processGroupId ?? null);
  const startedAt = meta['startedAt'];
  return {
    kind: 'process',
    pid,
    processGroupId: announced === pid ? pid : null,
    startedAt: typeof startedAt === 'string' ? startedAt : new Date().toISOString(),
    host: hostname(),
    bootId: await readBootId(),
    startTicks: entry?.startTicks ?? null,
  };
}

/** Whether the handle means a process of this machine since its last start. */
export async function isOfThisBoot(handle: ProcessHandleV1): Promise<boolean> {
  return handle.host === hostname() && handle.bootId === (await readBootId());
}

async function readBootId(): Promise<string> {
  // Not Linux: without a boot id the start time has to do.
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}
