import { wait } from '../loops/wait.js';
import { type CompanyId, errorCodeOf, errorMessageOf, type RunId } from '../model/index.js';
import type { Clock, LiveFeed, LogAppender, Logger, LogPosition, LogStore, Metrics } from '../ports/index.js';
import type { SupervisorSettings } from '../supervisor-settings.js';
import type { NewLogRecord } from './log-buffer.js';

export interface LogStorageOptions {
  readonly run: { readonly id: RunId; readonly companyId: CompanyId };
  readonly ownerEpoch: number;
  readonly logStore: LogStore;
  readonly liveFeed: LiveFeed;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: Pick<
    SupervisorSettings,
    'logFlushMs' | 'logFlushBytes' | 'logBufferBytes' | 'logLimitBytes' | 'logRetryLimitMs'
  >;
  /** Nothing is stored while this is false: another instance may own the run by now. */
  readonly isLeaseHeld: () => boolean;
  /** After records were stored and published. */
  readonly onStored: (end: { readonly logBytes: number; readonly logCursor: string | null }) => void;
  /** The log belongs to a newer epoch. */
  readonly onFenced: () => void;
}

/** Brings records into the log store, whatever it takes: a full disk is waited for, a gap is made only when given up, and told. */
export interface LogStorage {
  open(): Promise<LogPosition>;
  /** Resolves when stored or given up. Never rejects. */
  append(records: readonly NewLogRecord[], bytes: number): Promise<void>;
  /** From now on, trouble is waited for no longer than this. */
  giveUpAfter(limitMs: number): void;
  close(): Promise<{ readonly logBytes: number; readonly logCursor: string | null; readonly gapBytes: number }>;
  abandon(): void;
}

const firstRetryMs = 100;
const longestRetryMs = 5_000;

export function createLogStorage(options: LogStorageOptions): LogStorage {
  const { clock, run } = options;
  const abandoned = new AbortController();
  let appender: LogAppender | null = null;
  let troubleSinceMs: number | null = null;
  let giveUpAtMs = Number.POSITIVE_INFINITY;
  let gapBytes = 0;
  let untoldGapBytes = 0;

  const opened = async (): Promise<LogAppender> => {
    appender ??= await options.logStore.openForAppend({ companyId: run.companyId, runId: run.id }, options.ownerEpoch);
    return appender;
  };
  /** Repeats `work` until it works (its value), is given up or the run is lost (null). */
  const persist = async <T>(work: () => Promise<T>): Promise<T | null> => {
    for (let delayMs = firstRetryMs; !abandoned.signal.aborted; delayMs = Math.min(delayMs * 2, longestRetryMs)) {
      try {
        if (options.isLeaseHeld()) {
          const value = await work();
          if (troubleSinceMs !== null) options.logger.info({ runId: run.id }, 'log store works again');
          troubleSinceMs = null;
          return value;
        }
      } catch (error) {
        if (errorCodeOf(error) === 'log_fenced') {
          options.onFenced();
          return null;
        }
        options.metrics.count('log_append_errors_total', { code: errorCodeOf(error) ?? 'unknown' });
        if (troubleSinceMs === null) {
          options.logger.warn(
            { runId: run.id, code: errorCodeOf(error), error: errorMessageOf(error) },
            'output cannot be stored, trying again',
          );
        }
        troubleSinceMs ??= clock.monotonicMs();
      }
      const nowMs = clock.monotonicMs();
      if (nowMs >= giveUpAtMs || (troubleSinceMs !== null && nowMs - troubleSinceMs >= options.settings.logRetryLimitMs))
        return null;
      await wait(clock, Math.min(delayMs, Math.max(1, giveUpAtMs - nowMs)), abandoned.signal);
    }
    return null;
  };
  const gapRecord = (at: string): NewLogRecord => ({
    at,
    stream: 'system',
    text: `[runbeat] ${untoldGapBytes} bytes of output could not be stored and are missing here.\n`,
    cursor: null,
  });
  const publish = (stored: Awaited<ReturnType<LogAppender['append']>>): void => {
    if (options.liveFeed.hasLogReaders(run.id)) options.liveFeed.logAppended(run.id, stored);
  };

  return {
    async open() {
      const position = await persist(async () => (await opened()).position());
      return position ?? { lastSeq: 0, endOffset: 0, lastCursor: null };
    },
    async append(records, bytes) {
      const stored = await persist(async () => {
        const batch = untoldGapBytes === 0 ? records : [gapRecord(records[0]?.at ?? clock.now().toISOString()), ...records];
        return (await opened()).append(batch);
      });
      if (stored === null) {
        if (abandoned.signal.aborted) return;
        gapBytes += bytes;
        untoldGapBytes += bytes;
        options.metrics.count('log_gap_bytes_total', {}, bytes);
        options.logger.error({ runId: run.id, bytes }, 'output was given up: it could not be stored for too long');
        return;
      }
      untoldGapBytes = 0;
      publish(stored);
      const position = appender?.position();
      if (position) options.onStored({ logBytes: position.endOffset, logCursor: position.lastCursor });
    },
    giveUpAfter(limitMs) {
      giveUpAtMs = Math.min(giveUpAtMs, clock.monotonicMs() + limitMs);
    },
    async close() {
      if (untoldGapBytes > 0) {
        const told = await persist(async () => (await opened()).append([gapRecord(clock.now().toISOString())]));
        if (told) publish(told);
      }
      const position = appender?.position() ?? null;
      await persist(async () => {
        await appender?.sync();
        await appender?.close();
        appender = null;
      });
      return { logBytes: position?.endOffset ?? 0, logCursor: position?.lastCursor ?? null, gapBytes };
    },
    abandon() {
      abandoned.abort();
      // Closing gives the descriptor back; what it says no longer matters to anybody.
      appender?.close().catch((error: unknown) => {
        options.logger.debug({ runId: run.id, error: errorMessageOf(error) }, 'closing an abandoned log failed');
      });
      appender = null;
    },
  };
}
