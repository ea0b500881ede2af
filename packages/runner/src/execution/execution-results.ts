import type { AbortReasonV1, RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerJobSpec } from '@runbeat/protocol';

/** What a job comes to that was told to stop before its adapter could be asked. */
export function abortedResult(signal: AbortSignal, otherwise: RunResultV1): RunResultV1 {
  const reason = signal.reason as AbortReasonV1;
  switch (reason.kind) {
    case 'host_shutdown':
    case 'fenced':
      return { status: 'detached' };
    case 'cancelled':
      return { status: 'cancelled', forced: true };
    case 'timed_out':
      return reason.limitMs === undefined ? otherwise : { status: 'timed_out', limitMs: reason.limitMs, forced: true };
  }
}

export function adapterMissing(type: string): RunResultV1 {
  const message = `This runner has no adapter ${type}. Install it there, or place the agent elsewhere.`;
  return { status: 'failed', error: { code: 'adapter_missing', message, retryable: false } };
}

export function configInvalid(
  spec: RunnerJobSpec,
  issues: readonly { readonly path: string; readonly message: string }[],
): RunResultV1 {
  const fields = issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
  const message = `The adapter ${spec.adapterType} of this runner refuses the agent's config: ${fields}`;
  return { status: 'failed', error: { code: 'config_invalid', message, retryable: false } };
}

export function lostResult(message: string): RunResultV1 {
  return { status: 'failed', error: { code: 'process_lost', message, retryable: true } };
}
