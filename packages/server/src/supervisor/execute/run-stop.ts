import { abortReasonFromStop, type StopReason } from './stop-reason.js';

/**
 * The one place where a run's end is asked for. `reason` is written once (cancel, limit, shutdown); `fenced` is kept apart,
 * since a run that is taken away while it is being cancelled must still not be settled by us.
 */
export interface RunStop {
  readonly signal: AbortSignal;
  readonly reason: () => StopReason | null;
  readonly isFenced: () => boolean;
  /** False when there was a reason already. */
  stop(reason: StopReason): boolean;
  /** Resolves when the run was asked to end or taken away. */
  readonly stopped: Promise<void>;
  /** Resolves when the run was taken away; the only thing that ends it without a settlement. */
  readonly fenced: Promise<void>;
}

export function createRunStop(): RunStop {
  const controller = new AbortController();
  let reason: StopReason | null = null;
  let isFenced = false;
  let onStopped = (): void => undefined;
  let onFenced = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    onStopped = resolve;
  });
  const fenced = new Promise<void>((resolve) => {
    onFenced = resolve;
  });
  return {
    signal: controller.signal,
    reason: () => reason,
    isFenced: () => isFenced,
    stopped,
    fenced,
    stop(next) {
      if (next.kind === 'fenced') {
        isFenced = true;
        onFenced();
      }
      if (reason) return false;
      reason = next;
      controller.abort(abortReasonFromStop(next));
      onStopped();
      return true;
    },
  };
}
