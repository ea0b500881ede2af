/** A job's lease at one moment, in monotonic milliseconds. */
export interface LeaseFacts {
  readonly nowMs: number;
  /** When the last renewal ends. */
  readonly leaseUntilMs: number;
  readonly disconnectGraceMs: number;
  readonly isDetachmentTold: boolean;
}

/**
 * - `held`: fine. `reattached`: renewed after it had been told as detached.
 * - `detach`: tell that the runner is silent; the work probably goes on.
 * - `lose`: the grace is over, the runner has stopped the work by its own policy; the run may be executed elsewhere.
 */
export type LeasePlan = 'held' | 'reattached' | 'detach' | 'wait' | 'lose';

export function planLease(facts: LeaseFacts): LeasePlan {
  if (facts.nowMs < facts.leaseUntilMs) return facts.isDetachmentTold ? 'reattached' : 'held';
  if (facts.nowMs >= facts.leaseUntilMs + facts.disconnectGraceMs) return 'lose';
  return facts.isDetachmentTold ? 'wait' : 'detach';
}
