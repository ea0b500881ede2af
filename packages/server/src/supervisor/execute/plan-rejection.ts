import { type AdapterV1, isAdapterError } from '@runbeat/adapter-sdk';
import { errorCodeOf, errorMessageOf, type Run } from '../model/index.js';
import { failedSettlement, type Settlement } from '../settle/settlement.js';
import { settlementFromStop } from './settlement-from-result.js';
import type { StopReason } from './stop-reason.js';

/** Codes with which adapter-host says that the adapter, not the work, went away. */
const adapterGoneCodes: ReadonlySet<string> = new Set([
  'adapter_crashed',
  'adapter_unresponsive',
  'adapter_closed',
  'adapter_unavailable',
]);

export type RejectionPlan =
  /** The work may be alive and can be asked: hand it to recovery. */
  | { readonly kind: 'recover'; readonly message: string }
  /** Close the run; `isWorkLeft`: something may have been started and must be ended by its handle first. */
  | { readonly kind: 'settle'; readonly settlement: Settlement; readonly isWorkLeft: boolean };

/** What becomes of a run whose `execute` or `reattach` rejected, which a healthy adapter never does. */
export function planRejection(facts: {
  readonly error: unknown;
  readonly run: Pick<Run, 'handle'>;
  readonly adapter: Pick<AdapterV1, 'type' | 'hasOutOfProcessLiveness' | 'outOfProcess'>;
  readonly stop: StopReason | null;
}): RejectionPlan {
  const { error, run, adapter, stop } = facts;
  const code = errorCodeOf(error);
  const message = errorMessageOf(error);
  const isWorkLeft = run.handle !== null;
  if (isAdapterError(error) && adapterGoneCodes.has(error.code)) {
    if (adapter.outOfProcess?.kind === 'handle' && run.handle !== null) return { kind: 'recover', message };
    if (stop) return { kind: 'settle', settlement: settlementFromStop(stop, null), isWorkLeft };
    // Nothing was started when the adapter was merely not ready; what crashed is not tried again.
    const retry = error.code === 'adapter_unavailable' && !isWorkLeft ? 'transient' : 'never';
    return { kind: 'settle', settlement: failedSettlement('adapter_crashed', message, { retry }), isWorkLeft };
  }
  // A rejection on the way out (fetch aborted, promise cancelled) is sloppy, but the reason is ours.
  if (stop) return { kind: 'settle', settlement: settlementFromStop(stop, { adapterError: message }), isWorkLeft };
  const what = code === null ? message : `${message} (${code})`;
  return {
    kind: 'settle',
    settlement: failedSettlement('adapter_error', `Adapter ${adapter.type} rejected instead of returning a result: ${what}`),
    isWorkLeft,
  };
}
