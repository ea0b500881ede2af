import type { LogRecord as WireLogRecord } from '@runbeat/protocol';
import type { RunId } from '../supervisor/model/index.js';
import type { Clock, Logger, LogRecord, LogRunKey } from '../supervisor/ports/index.js';
import type { LiveConnection } from './live-connection.js';
import { createLiveFrame, type LiveFrame } from './live-frame.js';
import type { LiveSettings } from './live-settings.js';
import type { StoreReadGate } from './store-read-gate.js';

/** What a topic reads: the run's stored records, and whether any can still come. */
export interface LogTopicSource {
  /** Records behind `afterSeq`, in order; at least one when there is one, then as many as fit. */
  read(run: LogRunKey, query: { readonly afterSeq: number; readonly limitBytes: number }): Promise<readonly LogRecord[]>;
  /** True when the run has ended, after which its log does not grow. */
  isEnded(runId: RunId): Promise<boolean>;
}

export interface LogTopicContext {
  readonly run: LogRunKey;
  readonly source: LogTopicSource;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gate: StoreReadGate;
  readonly onEmpty: () => void;
}

/** Ends a subscription. Idempotent. */
export type Unsubscribe = () => void;

/**
 * A run's log as it is followed on this instance. Records that the run's writer stores are gathered into one frame for
 * all readers who are up to date.
 *
 * A reader is `live` (it has everything up to `seenSeq` or gets it with the frame being gathered) or `catching-up` (it
 * reads from the store). It becomes live only in the synchronous step that finds its cursor at the end of what was
 * stored, so that no record is missed or given twice. Records that another instance writes are found by asking the
 * store every `storePollMs`.
 */
export interface LogTopic {
  subscribe(connection: LiveConnection, afterSeq: number, onCompleted: () => void): Unsubscribe;
  /** The writer on this instance stored these. */
  appended(records: readonly LogRecord[]): void;
  /** The writer on this instance will store nothing more. */
  completed(): void;
  readonly readerCount: number;
  close(): void;
}

interface Reader {
  readonly connection: LiveConnection;
  readonly onCompleted: () => void;
  /** Seq of the last record that was sent to it. */
  cursor: number;
  isLive: boolean;
  isGone: boolean;
}

export function createLogTopic(context: LogTopicContext): LogTopic {
  const { run, source, settings, clock, logger, gate } = context;
  const { runId } = run;
  const readers = new Set<Reader>();
  /** Stored and not yet sent; written by `accept` and `flush`. */
  let gathered: LogRecord[] = [];
  let gatheredBytes = 0;
  /** Seq of the last record that the writer told of; 0 = none yet. */
  let seenSeq = 0;
  let isEnded = false;
  let isClosed = false;
  let cancelFlush: (() => void) | null = null;
  let cancelLook: (() => void) | null = null;
  /** The writer spoke since the last look, so that the store has nothing that it did not tell. */
  let isToldSinceLook = false;
  let isLooking = false;
  let isLookDue = false;

  const frameOf = (records: readonly LogRecord[]): LiveFrame =>
    createLiveFrame({ type: 'log', runId, records: records.map(wireLogRecord) }, records.at(-1)?.seq);

  const flush = (): void => {
    cancelFlush?.();
    cancelFlush = null;
    const records = gathered;
    gathered = [];
    gatheredBytes = 0;
    const first = records[0]?.seq;
    const last = records.at(-1)?.seq;
    if (first === undefined || last === undefined) return;
    let shared: LiveFrame | null = null;
    for (const reader of readers) {
      if (!reader.isLive || reader.cursor >= last) continue;
      if (!reader.connection.isWritable || first > reader.cursor + 1) {
        reader.isLive = false;
        startCatchUp(reader);
        continue;
      }
      if (first === reader.cursor + 1) shared ??= frameOf(records);
      reader.connection.send(
        first === reader.cursor + 1 && shared ? shared : frameOf(records.filter(({ seq }) => seq > reader.cursor)),
      );
      reader.cursor = last;
    }
  };
  const remove = (reader: Reader): void => {
    if (reader.isGone) return;
    reader.isGone = true;
    readers.delete(reader);
    if (readers.size === 0) context.onEmpty();
  };
  const complete = (reader: Reader): void => {
    if (reader.isGone) return;
    reader.connection.send(createLiveFrame({ type: 'log-completed', runId, lastSeq: reader.cursor }));
    remove(reader);
    reader.onCompleted();
  };
  const startCatchUp = (reader: Reader): void => {
    void catchUp(reader).catch((error: unknown) => {
      if (reader.isGone) return;
      logger.warn({ err: error, runId }, 'A run log could not be read for a subscriber');
      reader.connection.send(
        createLiveFrame({ type: 'error', code: 'log_store_unavailable', message: 'The log cannot be read now.', runId }),
      );
      remove(reader);
    });
  };
  const catchUp = async (reader: Reader): Promise<void> => {
    while (!reader.isGone && !isClosed) {
      await reader.connection.whenDrained();
      if (reader.isGone || !reader.connection.isOpen) return;
      // Asked before the read: what is not there when the run had already ended will not come.
      const wasEnded = isEnded;
      const records = await gate.run(() => source.read(run, { afterSeq: reader.cursor, limitBytes: settings.logFrameBytes }));
      if (reader.isGone) return;
      const last = records.at(-1);
      if (last) {
        reader.connection.send(frameOf(records));
        reader.cursor = last.seq;
      } else if (wasEnded) {
        complete(reader);
        return;
      } else if (reader.cursor >= seenSeq) {
        reader.isLive = true;
        return;
      }
    }
  };
  /**
   * Asks the store on behalf of all live readers at once: for records that another instance wrote, and for the end. One
   * read, however many readers there are.
   */
  const look = async (): Promise<void> => {
    isEnded ||= await source.isEnded(runId);
    if (!isEnded && isToldSinceLook) {
      isToldSinceLook = false;
      return;
    }
    // What is not there after the run had already ended will not come.
    const wasEnded = isEnded;
    while (!isClosed) {
      const live = [...readers].filter((reader) => reader.isLive);
      if (live.length === 0) return;
      const known = Math.max(seenSeq, Math.min(...live.map((reader) => reader.cursor)));
      const records = await gate.run(() => source.read(run, { afterSeq: known, limitBytes: settings.logFrameBytes }));
      if (records.length === 0) {
        flush();
        if (wasEnded) for (const reader of live) if (reader.isLive && reader.cursor >= known) complete(reader);
        return;
      }
      accept(records);
      flush();
    }
  };
  const lookNow = (): void => {
    if (isClosed) return;
    if (isLooking) {
      isLookDue = true;
      return;
    }
    isLooking = true;
    isLookDue = false;
    cancelLook?.();
    void look()
      .catch((error: unknown) => logger.warn({ err: error, runId }, 'A followed run log could not be read; trying again'))
      .finally(() => {
        isLooking = false;
        if (isClosed) return;
        if (isLookDue) lookNow();
        else cancelLook = clock.setTimer(settings.storePollMs, lookNow);
      });
  };
  const accept = (records: readonly LogRecord[]): void => {
    // The writer and the store may tell of the same records.
    const fresh = records.filter(({ seq }) => seq > seenSeq);
    const last = fresh.at(-1);
    if (!last) return;
    // Another instance wrote in between: a frame holds no gap, so that its readers see theirs and look into the store.
    if (fresh[0]?.seq !== seenSeq + 1) flush();
    seenSeq = last.seq;
    gathered.push(...fresh);
    for (const record of fresh) gatheredBytes += record.text.length;
  };

  return {
    subscribe(connection, afterSeq, onCompleted) {
      const reader: Reader = { connection, onCompleted, cursor: afterSeq, isLive: false, isGone: false };
      readers.add(reader);
      connection.onClosed(() => remove(reader));
      startCatchUp(reader);
      if (readers.size === 1) lookNow();
      return () => remove(reader);
    },
    appended(records) {
      if (isClosed) return;
      isToldSinceLook = true;
      accept(records);
      if (gatheredBytes >= settings.logFrameBytes) flush();
      else if (gathered.length > 0) cancelFlush ??= clock.setTimer(settings.gatherMs, flush);
    },
    completed() {
      isEnded = true;
      lookNow();
    },
    get readerCount() {
      return readers.size;
    },
    close() {
      isClosed = true;
      cancelFlush?.();
      cancelLook?.();
    },
  };
}

/** A stored record as it goes over the wire: without the resume cursor, which is the adapter's business. */
export function wireLogRecord(record: LogRecord): WireLogRecord {
  return { seq: record.seq, at: record.at, stream: record.stream, text: record.text };
}
