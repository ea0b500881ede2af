import type { LogEntry } from '../log-entry.js';

/** Where reading begins: at an offset, or behind a record. */
export type LogStart = { readonly offset: number } | { readonly afterSeq: number };

/**
 * A log as the reading rules see it, up to an end that was fixed when it was opened. Each store gives one; what a page is,
 * is decided once for all of them (`read-page.ts`).
 */
export interface LogSource {
  readonly endOffset: number;
  /** Entries in order, in blocks, from the first that ends behind the offset, or has a higher seq. */
  entriesFrom(start: LogStart): AsyncIterable<readonly LogEntry[]>;
  /** Blocks from the end to the start; inside a block in order. */
  entriesBackward(): AsyncIterable<readonly LogEntry[]>;
  /** Bytes `from` to `to` of the text. */
  text(from: number, to: number): Promise<Buffer>;
}

/** A log without a record. */
export const emptySource: LogSource = {
  endOffset: 0,
  async *entriesFrom() {},
  async *entriesBackward() {},
  text: () => Promise.resolve(Buffer.alloc(0)),
};

/** Whether the entry lies at or behind the start. Records without text count to what is before their offset. */
export function isAtOrBehind(entry: LogEntry, start: LogStart): boolean {
  if ('afterSeq' in start) return entry.seq > start.afterSeq;
  return start.offset === 0 || entry.offset + entry.length > start.offset;
}
