import { type Machine, thisMachine } from './machine.js';
import { linuxRow, type ProcessRow } from './process-row.js';

/**
 * What tells a process from every other that had or will have its pid. Plain JSON: made for files and handles that
 * outlive the process that wrote them; a `ProcessHandleV1` is one.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start in clock ticks since boot; null where the system tells only a time (macOS). */
  readonly startTicks: string | null;
  /** ISO time of the start, compared where ticks are not known, to within 2.5 s. Absent = not known. */
  readonly startedAt?: string | undefined;
  /** A pid means nothing beyond the boot that gave it. */
  readonly bootId: string;
  /** Name of the machine. Absent = this one. */
  readonly host?: string | undefined;
}

/** `ps` tells whole seconds, and the clock may have been set a little in between. */
export const startToleranceMs = 2_500;

/** This process, for a lock or a registration that others read. */
export function ownIdentity(): ProcessIdentity & Machine {
  const startTicks = process.platform === 'linux' ? (linuxRow(process.pid)?.startTicks ?? null) : null;
  const startedAt = new Date(Date.now() - process.uptime() * 1_000).toISOString();
  return { pid: process.pid, startTicks, startedAt, ...thisMachine() };
}

/**
 * Whether a process listed on this machine is the one that the identity names, and not a later one that was given the
 * same pid. Null = the pid is its, and their starts cannot be compared.
 */
export function isSameProcess(
  row: Pick<ProcessRow, 'pid' | 'startTicks' | 'startedAtMs'>,
  identity: Pick<ProcessIdentity, 'pid' | 'startTicks' | 'startedAt'>,
): boolean | null {
  if (row.pid !== identity.pid) return false;
  if (identity.startTicks !== null && row.startTicks !== null) return row.startTicks === identity.startTicks;
  const identityAtMs = Date.parse(identity.startedAt ?? '');
  if (row.startedAtMs === null || Number.isNaN(identityAtMs)) return null;
  return Math.abs(row.startedAtMs - identityAtMs) <= startToleranceMs;
}

/** Whether a listed process began before the one that the identity names; false where that cannot be told. */
export function isOlder(row: ProcessRow, identity: Pick<ProcessIdentity, 'startTicks' | 'startedAt'>): boolean {
  if (row.startTicks !== null && identity.startTicks !== null) return Number(row.startTicks) < Number(identity.startTicks);
  const identityAtMs = Date.parse(identity.startedAt ?? '');
  return row.startedAtMs !== null && row.startedAtMs < identityAtMs - startToleranceMs;
}
