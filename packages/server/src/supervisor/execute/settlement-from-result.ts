import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { cancelledSettlement, failedSettlement, type Settlement, timedOutSettlement } from '../settle/settlement.js';
import { describeLimit, type StopReason } from './stop-reason.js';

/**
 * How an adapter's result is recorded. The true result wins where the work ended by itself (`succeeded`); when we asked it
 * to end and it did not succeed, our reason is the reason. `detached` is no result and must not come here.
 */
export function settlementFromResult(result: Exclude<RunResultV1, { status: 'detached' }>, stop: StopReason | null): Settlement {
  const reported = { result, ...processEnd(result) };
  if (result.status === 'succeeded') {
    return { status: 'succeeded', error: null, retry: 'never', retryNotBefore: null, detail: null, ...reported };
  }
  const detail = 'forced' in result ? { forced: result.forced } : null;
  if (stop?.kind === 'cancelled') return cancelledSettlement(stop.message, { ...reported, detail });
  if (stop?.kind === 'timed_out') {
    const message = describeLimit(stop);
    return stop.limit === 'timeout'
      ? timedOutSettlement(message, { ...reported, detail })
      : failedSettlement('idle_timeout', message, { ...reported, detail });
  }
  if (stop?.kind === 'host_shutdown') {
    return failedSettlement('process_lost', 'The server was shut down while the run was attached to it.', {
      ...reported,
      detail,
      retry: 'process_lost',
    });
  }
  switch (result.status) {
    case 'failed':
      return failedSettlement(result.error.code, result.error.message, {
        ...reported,
        retry: result.error.retryable ? 'transient' : 'never',
        retryNotBefore: result.error.retryNotBefore ?? null,
      });
    case 'cancelled':
      return cancelledSettlement('The adapter reports that the run was cancelled.', { ...reported, detail });
    case 'timed_out':
      return timedOutSettlement(`The adapter reports that the run reached its limit of ${result.limitMs} ms.`, {
        ...reported,
        detail,
      });
  }
}

/** How a run is recorded that we ended ourselves, without an answer of its adapter. */
export function settlementFromStop(stop: StopReason, detail: Settlement['detail']): Settlement {
  switch (stop.kind) {
    case 'cancelled':
      return cancelledSettlement(stop.message, { detail });
    case 'timed_out':
      return stop.limit === 'timeout'
        ? timedOutSettlement(describeLimit(stop), { detail })
        : failedSettlement('idle_timeout', describeLimit(stop), { detail });
    case 'host_shutdown':
    case 'fenced':
      return failedSettlement('process_lost', 'The server was shut down while the run was attached to it.', {
        detail,
        retry: 'process_lost',
      });
  }
}

function processEnd(result: RunResultV1): Pick<Settlement, 'exitCode' | 'signal'> {
  if (result.status === 'succeeded') return { exitCode: 0, signal: null };
  if (result.status !== 'failed') return { exitCode: null, signal: null };
  return { exitCode: result.error.exitCode ?? null, signal: result.error.signal ?? null };
}
