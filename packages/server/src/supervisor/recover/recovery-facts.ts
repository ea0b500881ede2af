import type { LivenessV1 } from '@runbeat/adapter-sdk';
import type { Run } from '../model/index.js';
import type { ProcessState } from '../ports/index.js';
import type { SupervisorSettings } from '../supervisor-settings.js';

/** How the run's adapter works, or why that cannot be known. */
export type AdapterFact =
  | { readonly kind: 'attached' | 'handle' | 'log-driven' }
  | { readonly kind: 'missing' | 'unavailable'; readonly message: string };

/** What was found out about the work, by looking at its process or by asking its adapter. */
export type EvidenceFact =
  | { readonly kind: 'none' }
  | { readonly kind: 'process'; readonly state: ProcessState }
  | { readonly kind: 'probe'; readonly answer: LivenessV1; readonly isConfirmed: boolean };

/** All that `planRecovery` may use. Gathered by `gather-facts.ts`, without changing anything. */
export interface RecoveryFacts {
  readonly now: Date;
  readonly run: Pick<
    Run,
    | 'phase'
    | 'handle'
    | 'updatedAt'
    | 'deadlineAt'
    | 'timeoutMs'
    | 'cancelRequestedAt'
    | 'cancelReason'
    | 'unknownSince'
    | 'instanceDeathCount'
    | 'processLossRetryCount'
    | 'warning'
  >;
  /**
   * - `following`: this process executes it right now;
   * - `unfollowed`: this instance owns it and nobody follows it (its process is detached, its adapter crashed);
   * - `alive`: another living instance owns it;
   * - `dead`: nobody alive owns it.
   */
  readonly owner: 'following' | 'unfollowed' | 'alive' | 'dead';
  readonly adapter: AdapterFact;
  readonly evidence: EvidenceFact;
  /** `livenessStaleAfterMs` have passed since this instance started: silence before that may have been ours. */
  readonly isWarm: boolean;
  readonly settings: Pick<
    SupervisorSettings,
    | 'livenessStaleAfterMs'
    | 'livenessUnknownLimitMs'
    | 'adapterMissingLimitMs'
    | 'poisonDeathLimit'
    | 'reattachDeathLimit'
    | 'reapIntervalMs'
  >;
}
