import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import type { ProcessEntry } from './process-entry.js';

/** `ps` tells whole seconds, and the clock may have been set a little since. */
const startToleranceMs = 2_500;

/** Whether a listed process is the one that was recorded; null when its start cannot be compared. */
export function isSameProcess(
  entry: ProcessEntry,
  recorded: { readonly pid: number; readonly startTicks: string | null; readonly startedAt?: string },
): boolean | null {
  if (entry.pid !== recorded.pid) return false;
  if (entry.startTicks !== null && recorded.startTicks !== null) return entry.startTicks === recorded.startTicks;
  const recordedAtMs = recorded.startedAt === undefined ? Number.NaN : Date.parse(recorded.startedAt);
  if (entry.startedAtMs === null || Number.isNaN(recordedAtMs)) return null;
  return Math.abs(entry.startedAtMs - recordedAtMs) <= startToleranceMs;
}

/** The processes that belong to a run's recorded process, from one look at the list. */
export interface WorkGroup {
  readonly leader: ProcessEntry | null;
  /** Whether the recorded pid belongs to a stranger now. Then its group is a stranger's too. */
  readonly isPidReused: boolean;
  /** Living members of the recorded group, without the leader. */
  readonly members: readonly ProcessEntry[];
}

/**
 * A group id cannot be given to a new process while the group has members. So when no process has the recorded pid, its
 * group's members descend from it; when another process has it, the old group is empty and whoever is in it is a stranger.
 * What started before the leader did is a stranger in any case.
 */
export function workGroup(handle: ProcessHandleV1, entries: readonly ProcessEntry[]): WorkGroup {
  const holder = entries.find((entry) => entry.pid === handle.pid) ?? null;
  const isLeader = holder !== null && isSameProcess(holder, handle) === true;
  if (holder && !isLeader) return { leader: null, isPidReused: true, members: [] };
  const isMember = (entry: ProcessEntry): boolean =>
    handle.processGroupId !== null &&
    entry.processGroupId === handle.processGroupId &&
    entry.pid !== handle.pid &&
    !entry.isZombie &&
    !isOlder(entry, handle);
  return { leader: holder && !holder.isZombie ? holder : null, isPidReused: false, members: entries.filter(isMember) };
}

function isOlder(entry: ProcessEntry, handle: ProcessHandleV1): boolean {
  if (entry.startTicks !== null && handle.startTicks !== null) return Number(entry.startTicks) < Number(handle.startTicks);
  const recordedAtMs = Date.parse(handle.startedAt);
  if (entry.startedAtMs === null || Number.isNaN(recordedAtMs)) return false;
  return entry.startedAtMs < recordedAtMs - startToleranceMs;
}
