import type { AbortReasonV1, RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerJobPhase } from '@runbeat/protocol';

/** Why a job is to stop; `graceMs` = how long a session's worker gets to end by itself. */
export type JobAbort = AbortReasonV1 & { readonly graceMs?: number };

/**
 * One run, or one worker of a session, on this runner.
 *
 * - `offered`: the server wants us to have it. → `claiming` while connected.
 * - `claiming`: asked for it, no answer yet. Nothing is on disk. → `leased`, back to `offered` (answer lost), `fenced`.
 * - `leased`: ours and written down; work starts with the first renewal of the lease. → `running`, `finishing` (cancelled).
 * - `running`: the adapter works, or will be taken up again by its handle. → `finishing`, `fenced`, `lost`.
 * - `finishing`: the result is in the outbox on disk and is sent until the server accepts it. → `done`, `fenced`, `lost`.
 * - `done`: accepted. `fenced`: the server gave it to somebody else or ended it. In both nothing of it is left here.
 * - `lost`: the server did not know it for the whole grace period. Log and result are kept in `lost/`.
 *
 * Written by `planJob` only.
 */
export interface JobState {
  readonly phase: RunnerJobPhase;
  readonly leaseEpoch: number;
  /** The first reason wins. */
  readonly cancel: JobAbort | null;
  /** How a running job ends when its work has stopped; `finish` unless the server or the grace says otherwise. */
  readonly ending: 'finish' | 'fence' | 'lose' | 'disconnect';
  /** Set from `finishing` on. */
  readonly result: RunResultV1 | null;
  /** A claim under a new epoch for work that we have already (the server was restored from a backup). */
  readonly reclaimEpoch: number | null;
  /** This process does not work on it any more and left it to the next one. */
  readonly isReleased: boolean;
}

export const offeredJob = (leaseEpoch: number): JobState => ({
  phase: 'offered',
  leaseEpoch,
  cancel: null,
  ending: 'finish',
  result: null,
  reclaimEpoch: null,
  isReleased: false,
});

export type JobEvent =
  /** A poll shows the offer (again). */
  | { readonly type: 'offered'; readonly leaseEpoch: number }
  | { readonly type: 'claim-accepted' }
  /** 410, 404: it is not ours (any more). */
  | { readonly type: 'claim-refused' }
  /** No answer, or "not yet": the offer is repeated with the next poll. */
  | { readonly type: 'claim-failed' }
  /** A heartbeat that named the job came back with `keep`. */
  | { readonly type: 'lease-renewed' }
  | { readonly type: 'execution-settled'; readonly result: RunResultV1 }
  | { readonly type: 'finish-accepted' }
  | { readonly type: 'finish-pending'; readonly retryAfterMs: number }
  | { readonly type: 'finish-resend'; readonly from: number }
  | { readonly type: 'finish-failed' }
  | { readonly type: 'fenced' }
  | { readonly type: 'cancelled'; readonly reason: JobAbort }
  /** The server has not known the run for the whole grace period. */
  | { readonly type: 'unknown-too-long' }
  /** No contact until the end of lease and grace, and the policy is `stop`. */
  | { readonly type: 'disconnected-too-long' };

export type JobEffect =
  | { readonly type: 'claim'; readonly leaseEpoch: number }
  /** Write the claimed job down, then ask for a heartbeat. */
  | { readonly type: 'store-claim' }
  /** Store the new epoch of work that goes on. */
  | { readonly type: 'store-epoch' }
  | { readonly type: 'start' }
  | { readonly type: 'abort'; readonly reason: JobAbort }
  /** Close the log and write the result to the outbox, then begin to send it. */
  | { readonly type: 'store-result'; readonly result: RunResultV1 }
  | { readonly type: 'schedule-finish'; readonly afterMs: number | 'backoff' }
  | { readonly type: 'rewind-log'; readonly to: number }
  /** Remove everything of it from the disk and forget it. */
  | { readonly type: 'discard' }
  /** Move it to `lost/` and forget it. */
  | { readonly type: 'keep-lost' };
