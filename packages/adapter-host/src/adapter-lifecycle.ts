import { hostError } from './adapter-host-error.js';
import type { AdapterFault, AdapterState, AdapterStatus } from './loaded-adapter.js';

/** The state, the running runs and the listeners of one loaded adapter; the one place that writes them. */
export interface AdapterLifecycle extends AdapterStatus {
  readonly runningRuns: number;
  /** @param cause what went wrong; absent leaves `lastError` as it is. */
  moveTo(state: AdapterState, cause?: { readonly code: string; readonly message: string }): void;
  onStateChange(listener: (status: AdapterStatus) => void): () => void;
  /** Counts a run from its start to its end. Rejects at once while the adapter drains or is closed. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Counts a run whose end is not the end of a call (a session); the returned function ends it, once. */
  begin(): () => void;
  /** Resolves when no run is left; at once when there is none. */
  whenIdle(): Promise<void>;
  drain(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export function createAdapterLifecycle(type: string, initial: AdapterState): AdapterLifecycle {
  const listeners = new Set<(status: AdapterStatus) => void>();
  const waitingForIdle = new Set<() => void>();
  let state = initial;
  let lastError: AdapterFault | null = null;
  let runningRuns = 0;
  let isDraining = false;

  const begin = (): (() => void) => {
    if (isDraining || state === 'removed') {
      const why = state === 'removed' ? 'was removed' : 'is being replaced and takes no new runs';
      throw hostError('adapter_unavailable', `The adapter ${type} ${why}. Look it up again.`, { retryable: true });
    }
    runningRuns += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      runningRuns -= 1;
      if (runningRuns > 0) return;
      for (const resolve of [...waitingForIdle]) resolve();
    };
  };

  return {
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    get runningRuns() {
      return runningRuns;
    },
    moveTo(next, cause) {
      // `removed` is final: a worker that ends because of the removal must not look like a crash.
      if (state === 'removed') return;
      state = next;
      if (cause) lastError = { code: cause.code, message: cause.message, at: new Date().toISOString() };
      for (const listener of [...listeners]) listener({ state, lastError });
    },
    onStateChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(work) {
      const end = begin();
      try {
        return await work();
      } finally {
        end();
      }
    },
    begin,
    whenIdle() {
      if (runningRuns === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          waitingForIdle.delete(done);
          resolve();
        };
        waitingForIdle.add(done);
      });
    },
    drain({ signal } = {}) {
      isDraining = true;
      if (runningRuns === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const done = (): void => {
          waitingForIdle.delete(done);
          signal?.removeEventListener('abort', giveUp);
          resolve();
        };
        const giveUp = (): void => {
          waitingForIdle.delete(done);
          reject(signal?.reason);
        };
        waitingForIdle.add(done);
        signal?.addEventListener('abort', giveUp, { once: true });
        if (signal?.aborted) giveUp();
      });
    },
  };
}
