import type { AbortReasonV1 } from '@runbeat/adapter-sdk';

/** Why an execution is asked to end. The first reason wins and decides how the run is recorded. */
export type StopReason =
  | { readonly kind: 'cancelled'; readonly message: string }
  | { readonly kind: 'timed_out'; readonly limit: 'timeout' | 'idle_timeout'; readonly limitMs: number }
  | { readonly kind: 'host_shutdown' }
  | { readonly kind: 'fenced' };

/** What the adapter is told: an idle limit is a limit to it. */
export function abortReasonFromStop(reason: StopReason): AbortReasonV1 {
  switch (reason.kind) {
    case 'cancelled':
      return { kind: 'cancelled', message: reason.message };
    case 'timed_out':
      return { kind: 'timed_out', limitMs: reason.limitMs, message: describeLimit(reason) };
    case 'host_shutdown':
    case 'fenced':
      return { kind: reason.kind };
  }
}

export function describeLimit(reason: Extract<StopReason, { kind: 'timed_out' }>): string {
  return reason.limit === 'timeout'
    ? `The run reached its limit of ${reason.limitMs} ms and was stopped.`
    : `The run gave no sign of life for ${reason.limitMs} ms and was stopped.`;
}
