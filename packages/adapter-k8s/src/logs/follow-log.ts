import { sleep } from '@runbeat/adapter-sdk';
import { isApiError, isStatus, type KubernetesApiError } from '../cluster/api-error.js';
import { createBackoff } from '../cluster/backoff.js';
import type { Timings } from '../timings.js';
import type { ContainerLog, LogReadResult } from './log-sink.js';

/** How far the log could be read. */
export type LogEnd =
  | { readonly kind: 'complete' }
  /** The Pod or its node is gone, or the log is forbidden: something may be missing, and `message` says why. */
  | { readonly kind: 'incomplete'; readonly message: string };

/**
 * Follows one container's log until its end is known and read. States: following (the container runs; a clean end of the
 * stream means nothing), draining (it has ended; read without follow until two reads add nothing), done.
 */
export interface LogFollower {
  /** Rejects only when a sink did: the host gave the run up. */
  readonly done: Promise<LogEnd>;
  /** The Pod's status says that the container has terminated. */
  containerEnded(terminationMessage: string): void;
  /** The Pod exists no more: what was not read yet never will be. */
  podGone(): void;
}

export interface FollowLogOptions {
  readonly log: ContainerLog;
  readonly timings: Timings;
  readonly now: () => number;
  /** When the log last had bytes. */
  readonly lastBytesAt: () => number;
  readonly signal: AbortSignal;
  /** The log is forbidden, or in trouble: told once per kind. */
  readonly onTrouble: (error: KubernetesApiError) => Promise<void>;
}

export function followLog(options: FollowLogOptions): LogFollower {
  const { log, timings, now, signal, onTrouble } = options;
  let ended: { message: string } | null = null;
  let isPodGone = false;
  const wake = createWake();
  const streamCut = new AbortController();
  const streamSignal = AbortSignal.any([signal, streamCut.signal]);
  let cutTimer: NodeJS.Timeout | undefined;

  /** The stream ends by itself up to a second after the container, or when its backlog is read; a dead one is cut. */
  function cutWhenSilent(): void {
    clearTimeout(cutTimer);
    cutTimer = setTimeout(() => {
      if (now() - options.lastBytesAt() < timings.followEndMs) cutWhenSilent();
      else streamCut.abort();
    }, timings.followEndMs);
  }

  async function follow(): Promise<void> {
    const backoff = createBackoff(timings);
    while (ended === null && !isPodGone && !signal.aborted) {
      let problem: unknown = null;
      try {
        const { hasAdded } = await log.read({ isFollow: true, signal: streamSignal });
        if (hasAdded) backoff.reset();
      } catch (error) {
        if (!isApiError(error)) throw error;
        problem = error;
        if (error.kind !== 'aborted') await onTrouble(error);
      }
      if (ended === null && !isPodGone) await Promise.race([backoff.wait(problem, streamSignal), wake.promise]);
    }
  }

  async function drain(): Promise<LogEnd> {
    const backoff = createBackoff(timings);
    let quietReads = 0;
    let last: LogReadResult | null = null;
    let refusedSince: number | null = null;
    while (quietReads < 2) {
      if (signal.aborted) return { kind: 'incomplete', message: 'given up' };
      try {
        const result: LogReadResult = await log.read({ isFollow: false, signal });
        quietReads = !result.hasAdded && (last === null || last.restKey === result.restKey) ? quietReads + 1 : 0;
        last = result;
        refusedSince = null;
        if (quietReads < 2) await sleep(timings.drainPauseMs, signal);
      } catch (error) {
        if (!isApiError(error)) throw error;
        quietReads = 0;
        if (isPodGone || isPodMissing(error)) {
          return { kind: 'incomplete', message: 'the Pod was removed before the rest of its log could be read' };
        }
        // An API that does not answer is waited for; a node that does not answer is given a limit.
        if (error.kind === 'status' && error.status !== 429 && error.status !== 401) refusedSince ??= now();
        else refusedSince = null;
        if (refusedSince !== null && now() - refusedSince > timings.drainLimitMs) {
          return { kind: 'incomplete', message: `the rest of the log cannot be read: ${error.message}` };
        }
        await onTrouble(error);
        await backoff.wait(error, signal);
      }
    }
    await log.finish((ended as { message: string } | null)?.message ?? '');
    return { kind: 'complete' };
  }

  const done = (async (): Promise<LogEnd> => {
    try {
      await follow();
      return await drain();
    } finally {
      clearTimeout(cutTimer);
    }
  })();
  // The supervisor awaits it at the end; until then a rejection must not count as unhandled.
  done.catch(() => {});

  return {
    done,
    containerEnded(message) {
      if (ended !== null) return;
      ended = { message };
      wake.now();
      cutWhenSilent();
    },
    podGone() {
      if (isPodGone) return;
      isPodGone = true;
      wake.now();
      // A Pod that was removed with grace 0 prints on for about 2 s, and the open stream still delivers it.
      cutWhenSilent();
    },
  };
}

/** `pods "x" not found`, not the `pods/log` of a kubelet that has just been restarted. */
function isPodMissing(error: KubernetesApiError): boolean {
  return isStatus(error, 404) && error.details.kind === 'pods';
}

function createWake(): { readonly promise: Promise<void>; now(): void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, now: () => resolve() };
}
