import { SupervisorError } from '../model/index.js';
import type { Clock, LogRecord } from '../ports/index.js';

export type NewLogRecord = Omit<LogRecord, 'seq'>;

/**
 * Gathers records so that one write stores many. The first record of an idle buffer is stored at once; then what comes
 * within `flushMs`, or `flushBytes` of it. One `store` at a time, in order. Accepted and unstored bytes are bounded: beyond
 * `limitBytes` `hasRoom` waits, which is the back-pressure on the adapter.
 */
export interface LogBuffer {
  add(record: NewLogRecord, bytes: number): void;
  /** Resolves when there is room; rejects with `run_fenced` once abandoned. */
  hasRoom(): Promise<void>;
  /** Whether a caller waits for room now. */
  readonly isFull: () => boolean;
  /** Resolves when everything was handed to `store` and that settled. */
  drain(): Promise<void>;
  /** Forgets what is not stored; waiting callers are rejected. */
  abandon(): void;
}

const noWait = Promise.resolve();

export function createLogBuffer(options: {
  readonly clock: Clock;
  readonly flushMs: number;
  readonly flushBytes: number;
  readonly limitBytes: number;
  /** Resolves when the records are stored or given up; never rejects. */
  readonly store: (records: readonly NewLogRecord[], bytes: number) => Promise<void>;
}): LogBuffer {
  const { clock } = options;
  let gathered: NewLogRecord[] = [];
  let gatheredBytes = 0;
  let storingBytes = 0;
  let storing: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;
  let lastStoreAtMs = Number.NEGATIVE_INFINITY;
  let isAbandoned = false;
  // One promise for all that wait for room, made when the first of them comes.
  let room: { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } | null = null;

  const stopTimer = (): void => {
    cancelTimer?.();
    cancelTimer = null;
  };
  const storeGathered = (): void => {
    stopTimer();
    if (storing || gathered.length === 0) return;
    const records = gathered;
    storingBytes = gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    lastStoreAtMs = clock.monotonicMs();
    storing = options.store(records, storingBytes).then(() => {
      storing = null;
      storingBytes = 0;
      if (room && gatheredBytes <= options.limitBytes) {
        room.resolve();
        room = null;
      }
      schedule();
    });
  };
  const schedule = (): void => {
    if (storing || isAbandoned || gathered.length === 0) return;
    const sinceLastMs = clock.monotonicMs() - lastStoreAtMs;
    if (gatheredBytes >= options.flushBytes || sinceLastMs >= options.flushMs) storeGathered();
    else cancelTimer ??= clock.setTimer(options.flushMs - sinceLastMs, storeGathered);
  };

  return {
    add(record, bytes) {
      if (isAbandoned) return;
      gathered.push(record);
      gatheredBytes += bytes;
      schedule();
    },
    hasRoom() {
      if (isAbandoned) return Promise.reject(fenced());
      if (gatheredBytes + storingBytes <= options.limitBytes) return noWait;
      room ??= deferred();
      return room.promise;
    },
    isFull: () => room !== null,
    async drain() {
      while (!isAbandoned && (storing || gathered.length > 0)) {
        storeGathered();
        await storing;
      }
    },
    abandon() {
      isAbandoned = true;
      stopTimer();
      gathered = [];
      gatheredBytes = 0;
      room?.reject(fenced());
      room = null;
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve = (): void => undefined;
  let reject = (_error: unknown): void => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function fenced(): SupervisorError {
  return new SupervisorError(
    'run_fenced',
    'The run is not owned by this server any more; its output is not taken. Stop delivering it.',
  );
}
