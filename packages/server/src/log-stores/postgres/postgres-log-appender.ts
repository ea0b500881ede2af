import { isConnectionFailure } from '../../db/database-failure.js';
import type { Executor } from '../../db/executor.js';
import type { LogAppender, LogPosition, LogRecord, LogRunKey } from '../../supervisor/ports/index.js';
import { type EncodedRecords, encodeRecords, type NewLogRecord } from '../log-entry.js';
import { logFenced, logStoreFull, logStoreUnavailable } from '../log-store-errors.js';
import { appendChunk, claimLog, type LogHead, readLogHead } from './log-statements.js';

/** Opens a log for its owner; refused for an older epoch than the stored one (`log_fenced`). */
export async function openPostgresLogAppender(executor: Executor, run: LogRunKey, ownerEpoch: number): Promise<LogAppender> {
  const head = await claimLog(executor, run, ownerEpoch).catch((error: unknown) => {
    throw databaseLogFailure(run, 'opened', error);
  });
  if (head === null) throw logFenced(run, ownerEpoch);
  return new ChunkAppender(executor, run, head);
}

export function databaseLogFailure(run: LogRunKey, what: string, error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === '53100') return logStoreFull(run, error);
  return isConnectionFailure(error) ? logStoreUnavailable(run, what, error) : error;
}

/**
 * States: `open` → `closed`. `#doubtful` is set while nobody knows whether the last append was committed, because the
 * connection was lost before the answer; the next one looks first, so that a repeated append is stored once.
 */
class ChunkAppender implements LogAppender {
  readonly #executor: Executor;
  readonly #run: LogRunKey;
  #head: LogHead;
  #doubtful: { readonly records: readonly NewLogRecord[]; readonly encoded: EncodedRecords; readonly next: LogPosition } | null =
    null;
  #isClosed = false;
  /** Appends follow each other in the order of the calls. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(executor: Executor, run: LogRunKey, head: LogHead) {
    this.#executor = executor;
    this.#run = run;
    this.#head = head;
  }

  position(): LogPosition {
    const { lastSeq, endOffset, lastCursor } = this.#head;
    return { lastSeq, endOffset, lastCursor };
  }

  append(records: readonly NewLogRecord[]): Promise<readonly LogRecord[]> {
    const result = this.#queue.then(() => this.#appendInTurn(records));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** A commit is on the disk when it is answered. */
  async sync(): Promise<void> {
    await this.#queue;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue;
  }

  async #appendInTurn(records: readonly NewLogRecord[]): Promise<readonly LogRecord[]> {
    if (this.#isClosed) throw logStoreUnavailable(this.#run, 'written', 'it was closed');
    try {
      const stored = await this.#resolveDoubt(records);
      if (stored !== null) return stored;
      if (records.length === 0) return [];
      const encoded = encodeRecords(records, this.#head);
      const next: LogPosition = {
        lastSeq: this.#head.lastSeq + records.length,
        endOffset: this.#head.endOffset + encoded.text.length,
        lastCursor: records.findLast((record) => record.cursor !== null)?.cursor ?? this.#head.lastCursor,
      };
      this.#doubtful = { records, encoded, next };
      const isStored = await appendChunk(this.#executor, this.#run, this.#head, encoded, next);
      this.#doubtful = null;
      // Only another writer moves the head, and it may do so only with a newer epoch or by having opened after us.
      if (!isStored) throw logFenced(this.#run, this.#head.ownerEpoch);
      this.#head = { ...this.#head, ...next };
      return encoded.records;
    } catch (error) {
      if (!isConnectionFailure(error)) this.#doubtful = null;
      throw databaseLogFailure(this.#run, 'written', error);
    }
  }

  /** The stored records when the doubtful append was committed and these are the same ones again; else null. */
  async #resolveDoubt(records: readonly NewLogRecord[]): Promise<readonly LogRecord[] | null> {
    const doubtful = this.#doubtful;
    if (doubtful === null) return null;
    const head = await readLogHead(this.#executor, this.#run);
    if (head === null || head.ownerEpoch !== this.#head.ownerEpoch) throw logFenced(this.#run, this.#head.ownerEpoch);
    this.#doubtful = null;
    if (head.lastSeq !== doubtful.next.lastSeq) return null;
    this.#head = head;
    return areSame(records, doubtful.records) ? doubtful.encoded.records : null;
  }
}

function areSame(some: readonly NewLogRecord[], others: readonly NewLogRecord[]): boolean {
  return (
    some.length === others.length &&
    some.every((record, place) => {
      const other = others[place];
      return (
        other !== undefined &&
        record.text === other.text &&
        record.stream === other.stream &&
        record.at === other.at &&
        record.cursor === other.cursor
      );
    })
  );
}
