import type { AdapterError } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';
import type { AdapterLifecycle } from '../adapter-lifecycle.js';
import type { HostClock } from '../host-clock.js';
import { CRASH_LIMIT, CRASH_WINDOW_MS, planRestart } from './plan-restart.js';
import type { WorkerConnection } from './worker-connection.js';

/** How long a call waits for a worker that is being started again, in ms: the longest backoff and a slow start. */
const WORKER_WAIT_MS = 60_000;

/** The one live worker of an adapter, whichever that is at the moment. */
export interface WorkerSource {
  /**
   * The worker, or the next one while there is none; rejects with `adapter_unavailable` after a minute, when the signal
   * aborts first, and at once when the adapter was given up or removed.
   */
  connection(signal?: AbortSignal): Promise<WorkerConnection>;
  /** End the worker and start no other. */
  close(reason: AdapterError): Promise<void>;
  /** End the worker when it has no calls any more, and start another: it holds on to a call that was abandoned. */
  replaceWhenIdle(): void;
}

export interface WorkerSourceOptions {
  readonly type: string;
  readonly first: WorkerConnection;
  readonly clock: HostClock;
  readonly lifecycle: AdapterLifecycle;
  /** The signal aborts when the adapter is closed in the meantime. */
  start(signal: AbortSignal): Promise<WorkerConnection>;
}

/** Keeps one worker alive: starts another after a crash, with backoff, until it has crashed too often. */
export function createWorkerSource(options: WorkerSourceOptions): WorkerSource {
  const { type, clock, lifecycle } = options;
  const crashesMs: number[] = [];
  /** Null while there is no worker that answers calls. Written by `adopt` and `crashed`. */
  let current: WorkerConnection | null = null;
  /** Workers on their way out or in; `close` awaits them. */
  const leaving = new Set<Promise<unknown>>();
  let cancelRestart = (): void => {};
  let isReplacementDue = false;
  const closing = new AbortController();

  const track = (work: Promise<unknown>): void => {
    const tracked = work.finally(() => leaving.delete(tracked));
    leaving.add(tracked);
  };

  const adopt = (connection: WorkerConnection): void => {
    current = connection;
    void connection.ending.then((reason) => crashed(connection, reason));
    track(connection.ended);
    lifecycle.moveTo('ready');
  };

  const crashed = (connection: WorkerConnection | null, reason: AdapterError): void => {
    if (closing.signal.aborted || connection !== current) return;
    current = null;
    const now = clock.monotonicMs();
    crashesMs.push(now);
    while ((crashesMs[0] ?? now) <= now - CRASH_WINDOW_MS) crashesMs.shift();
    const plan = planRestart(crashesMs, now);
    if (plan.action === 'give-up') {
      const words = `${CRASH_LIMIT} crashes within ${CRASH_WINDOW_MS / 60_000} minutes`;
      const message = `${reason.message} Given up after ${words}; check or update the adapter.`;
      lifecycle.moveTo('error', { code: reason.code, message });
      return;
    }
    lifecycle.moveTo('loading', reason);
    cancelRestart = clock.setTimer(plan.delayMs, restart);
  };

  const restart = (): void => {
    track(
      options.start(closing.signal).then(
        (connection) => (closing.signal.aborted ? connection.terminate(closedError(type)) : adopt(connection)),
        (error: unknown) => crashed(null, asAdapterError(error)),
      ),
    );
  };

  const replace = async (): Promise<void> => {
    while (lifecycle.runningRuns > 0) await lifecycle.whenIdle();
    isReplacementDue = false;
    const old = current;
    if (!old || closing.signal.aborted) return;
    const reason = hostError('adapter_unresponsive', `The adapter ${type} ignored an abort; its worker was replaced.`);
    current = null;
    lifecycle.moveTo('loading', reason);
    await old.terminate(reason);
    if (!closing.signal.aborted) restart();
  };

  adopt(options.first);

  return {
    async connection(signal) {
      if (current) return current;
      return await new Promise<WorkerConnection>((resolve, reject) => {
        // The clock's timers do not keep the process alive, and there is no worker that would; a caller that waits must.
        const keepAlive = setInterval(() => {}, WORKER_WAIT_MS);
        const finish = (apply: () => void): void => {
          clearInterval(keepAlive);
          cancelTimer();
          stopListening();
          signal?.removeEventListener('abort', giveUp);
          apply();
        };
        const giveUp = (): void => finish(() => reject(unavailable(type, lifecycle)));
        const look = (): void => {
          const connection = current;
          if (connection) finish(() => resolve(connection));
          else if (lifecycle.state !== 'loading') giveUp();
        };
        const stopListening = lifecycle.onStateChange(look);
        const cancelTimer = clock.setTimer(WORKER_WAIT_MS, giveUp);
        signal?.addEventListener('abort', giveUp, { once: true });
        if (signal?.aborted) giveUp();
        else look();
      });
    },
    async close(reason) {
      closing.abort(reason);
      cancelRestart();
      const connection = current;
      current = null;
      lifecycle.moveTo('removed');
      await connection?.terminate(reason);
      await Promise.all(leaving);
    },
    replaceWhenIdle() {
      if (isReplacementDue) return;
      isReplacementDue = true;
      // Not tracked: `close` must not wait for runs, and ends the worker itself.
      void replace();
    },
  };
}

function closedError(type: string): AdapterError {
  return hostError('adapter_closed', `The adapter ${type} was closed.`);
}

function unavailable(type: string, lifecycle: AdapterLifecycle): AdapterError {
  const why = lifecycle.lastError ? ` Last error: ${lifecycle.lastError.code}: ${lifecycle.lastError.message}` : '';
  return hostError('adapter_unavailable', `The adapter ${type} is not available (${lifecycle.state}).${why}`, {
    retryable: true,
  });
}

function asAdapterError(error: unknown): AdapterError {
  const message = error instanceof Error ? error.message : String(error);
  return hostError('adapter_load_failed', message, { cause: error });
}
