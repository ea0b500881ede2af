import type { Json } from '@runbeat/adapter-sdk';
import type { RunPlacement } from '../supervisor/model/index.js';

/**
 * - `offered`: assigned (or waiting for a runner) and not claimed.
 * - `leased`: claimed; the work may be going on.
 * - `done`: its result was accepted and the run is settled.
 * - `lost`: given up by the server; whoever still writes under its epoch is refused.
 */
export type RunnerJobRecordState = 'offered' | 'leased' | 'done' | 'lost';

/** Where a run is, or was last: what a restarted server must know about it. Leases themselves are kept in memory. */
export interface RunnerJobRecord {
  /** Of the run, or of the session's worker. */
  readonly runId: string;
  /** The session whose worker it is; null = a run. */
  readonly sessionId: string | null;
  readonly companyId: string;
  /** Null = no runner could take it yet. */
  readonly runnerId: string | null;
  /** The home folder that claimed it; null = not claimed. Two homes with one token are two machines. */
  readonly homeId: string | null;
  /** Rises with each assignment, also across a database that was restored from a backup (see `nextLeaseEpoch`). */
  readonly leaseEpoch: number;
  readonly state: RunnerJobRecordState;
  readonly adapterType: string;
  readonly placement: RunPlacement;
  /** Kept because `reattach` is not told it again. */
  readonly previousSession: Json;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type RunnerJobPatch = Partial<Pick<RunnerJobRecord, 'runnerId' | 'homeId' | 'leaseEpoch' | 'state'>>;

/**
 * Whether the job is offered to this runner under a newer epoch than the one that it has it under: this database was
 * restored from an older state. The runner claims it without starting anything, and goes on.
 */
export function isReclaimable(
  record: RunnerJobRecord,
  holder: { readonly runnerId: string; readonly leaseEpoch: number },
): boolean {
  return record.state === 'offered' && record.runnerId === holder.runnerId && holder.leaseEpoch < record.leaseEpoch;
}

const EPOCH_START_MS = Date.UTC(2026, 0, 1);

/**
 * The next epoch of a run: above the last one and never below the seconds since 2026, so that a server which was
 * restored from a backup does not hand out an epoch that a runner has seen already.
 */
export function nextLeaseEpoch(previous: number, now: Date): number {
  return Math.max(previous + 1, Math.floor((now.getTime() - EPOCH_START_MS) / 1000));
}
