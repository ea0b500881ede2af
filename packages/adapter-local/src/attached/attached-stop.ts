import type { AbortReasonV1, RunOutcomeV1 } from '@runbeat/adapter-sdk';
import { defaultGraceMs, defaultSignal, type ProcessSpec } from '../run/process-spec.js';
import { type AttachedTree, endAttached } from './end-attached.js';

/** Turns a run's signal into acts: ends the tree, or with `fenced` lets go of it. The first reason wins. */
export interface AttachedStop {
  readonly fenced: Promise<'fenced'>;
  /** What the stop comes to; null = the run was not stopped. */
  outcome(): RunOutcomeV1 | null;
  /** Resolves when no stop is under way any more. */
  settled(): Promise<void>;
  close(): void;
}

/** @param hasEnded whether the child has ended by itself: then nothing was stopped. */
export function createAttachedStop(
  signal: AbortSignal,
  spec: ProcessSpec,
  tree: AttachedTree,
  hasEnded: () => boolean,
): AttachedStop {
  let reason: AbortReasonV1 | null = null;
  let stopping: Promise<{ readonly isForced: boolean }> | null = null;
  let isForced = false;
  let letGo: (value: 'fenced') => void = () => {};
  const fenced = new Promise<'fenced'>((resolve) => {
    letGo = resolve;
  });
  const onAbort = (): void => {
    const given = signal.reason as AbortReasonV1;
    if (given.kind === 'fenced') {
      letGo('fenced');
      return;
    }
    if (hasEnded()) return;
    reason = given;
    stopping = endAttached(tree, {
      signal: spec.signal ?? defaultSignal,
      graceMs: spec.graceMs ?? defaultGraceMs,
    }).then(({ stopped }) => {
      isForced = stopped === 'forced';
      return { isForced };
    });
    // Reported by `settled`; until somebody asks, a failure must not count as unhandled.
    stopping.catch(() => {});
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    fenced,
    outcome: () => (reason === null ? null : outcomeOfAbort(reason, isForced)),
    async settled() {
      await stopping;
    },
    close: () => signal.removeEventListener('abort', onAbort),
  };
}

/** Work that lives with its host ends with it: a shutdown cancels it. */
export function outcomeOfAbort(reason: AbortReasonV1, forced: boolean): RunOutcomeV1 {
  switch (reason.kind) {
    case 'cancelled':
    case 'host_shutdown':
      return { status: 'cancelled', forced };
    case 'timed_out':
      return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced };
    case 'fenced':
      return { status: 'detached' };
  }
}
