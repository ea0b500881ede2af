import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import type { LogRecord } from '../supervisor/ports/index.js';

/** A record without its text: a line of the index. Text of record n ends where that of n + 1 begins. */
export interface LogEntry {
  readonly seq: number;
  readonly at: string;
  readonly stream: OutputStreamV1;
  /** First byte of the text in the run's log. */
  readonly offset: number;
  /** Bytes of UTF-8. */
  readonly length: number;
  readonly cursor: string | null;
}

export type NewLogRecord = Omit<LogRecord, 'seq'>;

/** Records as they will lie in the log, and their bytes. */
export interface EncodedRecords {
  readonly entries: readonly LogEntry[];
  readonly text: Buffer;
  /** NDJSON, one line per record. */
  readonly index: Buffer;
  readonly records: readonly LogRecord[];
}

/** @param allocate gives at least so many bytes; what it gives becomes `text`. */
export function encodeRecords(
  records: readonly NewLogRecord[],
  start: { readonly lastSeq: number; readonly endOffset: number },
  allocate: (bytes: number) => Buffer = Buffer.allocUnsafe,
): EncodedRecords {
  const entries: LogEntry[] = [];
  let offset = start.endOffset;
  let index = '';
  for (const { at, stream, text: recordText, cursor } of records) {
    const seq = start.lastSeq + entries.length + 1;
    const entry = { seq, at, stream, offset, length: Buffer.byteLength(recordText), cursor };
    entries.push(entry);
    index += lineFromEntry(entry);
    offset += entry.length;
  }
  const text = allocate(offset - start.endOffset).subarray(0, offset - start.endOffset);
  for (const [place, entry] of entries.entries()) {
    const recordText = records[place]?.text ?? '';
    // As many bytes as characters: nothing but ASCII, which `latin1` copies at a tenth of the cost of encoding it.
    const encoding = entry.length === recordText.length ? 'latin1' : 'utf8';
    text.write(recordText, entry.offset - start.endOffset, entry.length, encoding);
  }
  return {
    entries,
    text,
    index: Buffer.from(index),
    records: records.map((record, place) => ({ ...record, seq: start.lastSeq + place + 1 })),
  };
}

/** `{ seq, at, stream, offset, length, cursor? }`. Written by hand, since it is on the path of every piece of output. */
export function lineFromEntry({ seq, at, stream, offset, length, cursor }: LogEntry): string {
  const end = cursor === null ? '}\n' : `,"cursor":${JSON.stringify(cursor)}}\n`;
  return `{"seq":${seq},"at":"${at}","stream":"${stream}","offset":${offset},"length":${length}${end}`;
}

/** Null for a line that was not written whole. */
export function entryFromLine(line: string): LogEntry | null {
  try {
    const { seq, at, stream, offset, length, cursor } = JSON.parse(line) as LogEntry;
    if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) return null;
    return { seq, at, stream, offset, length, cursor: cursor ?? null };
  } catch {
    return null;
  }
}

/** The whole lines of a block that starts at a line's start. */
export function entriesFromBlock(block: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let start = 0, end = block.indexOf(10); end !== -1; start = end + 1, end = block.indexOf(10, start)) {
    const entry = entryFromLine(block.toString('utf8', start, end));
    if (entry !== null) entries.push(entry);
  }
  return entries;
}

export function endOf(entry: LogEntry): number {
  return entry.offset + entry.length;
}
