import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import type { CompanyId, RunId } from '../model/index.js';

/** A stored piece of output. `seq` starts at 1 and rises by one per run. */
export interface LogRecord {
  readonly seq: number;
  /** ISO time. */
  readonly at: string;
  readonly stream: OutputStreamV1;
  readonly text: string;
  readonly cursor: string | null;
}

export interface LogRunKey {
  readonly companyId: CompanyId;
  readonly runId: RunId;
}

/** Where the log ends. The last record's cursor is the resume point; nothing else remembers it. */
export interface LogPosition {
  /** 0 = empty. */
  readonly lastSeq: number;
  /** Opaque to readers, always on a record border; for `fs` the bytes of text. */
  readonly endOffset: number;
  /** The cursor of the last record that has one; null = none has. */
  readonly lastCursor: string | null;
}

/** The one writer of a run's log. */
export interface LogAppender {
  position(): LogPosition;
  /** Appends all records in one write, or none that a reader can see. Order is the order of calls. */
  append(records: readonly Omit<LogRecord, 'seq'>[]): Promise<readonly LogRecord[]>;
  /** Forces everything to the disk; called at settle. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface LogReadQuery {
  /** Start here (an offset that a page gave); 0 = from the start. Exclusive with the next two. */
  readonly offset?: number;
  /** Start behind this record. */
  readonly afterSeq?: number;
  /** Start so that at most this many lines remain. */
  readonly tailLines?: number;
  /** At least one record is given, then as many as fit. */
  readonly limitBytes: number;
  readonly stream?: OutputStreamV1;
}

export interface LogPage {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
  /** End of the log when the page was read. */
  readonly endOffset: number;
}

/** Where logs are kept: `fs`, `postgres` or `s3`; one conformance suite for all. */
export interface LogStore {
  readonly kind: string;
  /** Opens for writing and cuts a torn end. `ownerEpoch` fences: an older epoch's appender is refused (`log_fenced`). */
  openForAppend(run: LogRunKey, ownerEpoch: number): Promise<LogAppender>;
  /** An offset that is not on a border is rejected with code `log_offset_invalid`; a run without a log gives an empty page. */
  read(run: LogRunKey, query: LogReadQuery): Promise<LogPage>;
  /** Raw text from `offset` for `format=text`; null when the run has no log. */
  readText(
    run: LogRunKey,
    query: { readonly offset: number; readonly limitBytes: number; readonly stream?: OutputStreamV1 },
  ): Promise<{ readonly text: string; readonly nextOffset: number; readonly endOffset: number }>;
  position(run: LogRunKey): Promise<LogPosition>;
  remove(run: LogRunKey): Promise<void>;
  close(): Promise<void>;
}
