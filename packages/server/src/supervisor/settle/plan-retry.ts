import type { Run } from '../model/index.js';
import type { SupervisorSettings } from '../supervisor-settings.js';
import type { Settlement } from './settlement.js';

export interface RetryFacts {
  readonly run: Pick<Run, 'processLossRetryCount' | 'transientRetryCount' | 'cancelRequestedAt'>;
  readonly settlement: Pick<Settlement, 'status' | 'retry' | 'retryNotBefore'>;
  readonly now: Date;
  readonly settings: Pick<SupervisorSettings, 'transientRetryDelaysMs' | 'transientRetryJitter'>;
  /** 0 ≤ x < 1. */
  readonly random: number;
}

export type RetryPlan =
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'retry';
      readonly retryReason: 'process_lost' | 'transient_failure';
      readonly notBefore: Date | null;
      readonly processLossRetryCount: number;
      readonly transientRetryCount: number;
    };

/** Whether a run that is being closed gets a second try, and when. A lost process gets one, a passing failure two. */
export function planRetry({ run, settlement, now, settings, random }: RetryFacts): RetryPlan {
  if (settlement.retry === 'never' || settlement.status !== 'failed') return { kind: 'none', reason: 'not retryable' };
  if (run.cancelRequestedAt) return { kind: 'none', reason: 'somebody asked to cancel it' };
  if (settlement.retry === 'process_lost') {
    if (run.processLossRetryCount > 0) return { kind: 'none', reason: 'it was already retried after a lost process' };
    return {
      kind: 'retry',
      retryReason: 'process_lost',
      notBefore: null,
      processLossRetryCount: run.processLossRetryCount + 1,
      transientRetryCount: run.transientRetryCount,
    };
  }
  const delayMs = settings.transientRetryDelaysMs[run.transientRetryCount];
  if (delayMs === undefined) return { kind: 'none', reason: `it was already retried ${run.transientRetryCount} times` };
  const jittered = now.getTime() + delayMs * (1 + (random * 2 - 1) * settings.transientRetryJitter);
  const earliest = settlement.retryNotBefore === null ? Number.NaN : Date.parse(settlement.retryNotBefore);
  return {
    kind: 'retry',
    retryReason: 'transient_failure',
    notBefore: new Date(Number.isNaN(earliest) ? jittered : Math.max(jittered, earliest)),
    processLossRetryCount: run.processLossRetryCount,
    transientRetryCount: run.transientRetryCount + 1,
  };
}
