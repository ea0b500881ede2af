import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import { endOf, type LogEntry } from '../log-entry.js';
import type { LogSource } from './log-source.js';

/** Where the last lines begin: inside a record, of whose text the first bytes are left out. */
export interface TailStart {
  readonly firstSeq: number;
  readonly skipBytes: number;
}

const lineFeed = 10;

/**
 * Looks for the start of the last `lines` lines, of one stream where it is named, from the end backwards. A line feed at
 * the very end closes the last line and opens none.
 */
export async function findTailStart(
  source: LogSource,
  lines: number,
  stream: OutputStreamV1 | undefined,
): Promise<TailStart | 'empty'> {
  if (lines <= 0) return 'empty';
  let missing = lines;
  let isEnd = true;
  let earliest: LogEntry | null = null;
  for await (const block of source.entriesBackward()) {
    for (let index = block.length - 1; index >= 0; index -= 1) {
      const entry = block[index] as LogEntry;
      if (entry.length === 0 || (stream !== undefined && entry.stream !== stream)) continue;
      const text = await source.text(entry.offset, endOf(entry));
      let searchFrom = text.length - 1;
      if (isEnd && text[searchFrom] === lineFeed) searchFrom -= 1;
      isEnd = false;
      for (let at = lastLineFeed(text, searchFrom); at !== -1; at = lastLineFeed(text, at - 1)) {
        missing -= 1;
        // The line begins behind this line feed, which may be the last byte of the record.
        if (missing > 0) continue;
        return at + 1 === text.length ? { firstSeq: entry.seq + 1, skipBytes: 0 } : { firstSeq: entry.seq, skipBytes: at + 1 };
      }
      earliest = entry;
    }
  }
  return earliest === null ? 'empty' : { firstSeq: earliest.seq, skipBytes: 0 };
}

function lastLineFeed(text: Buffer, from: number): number {
  return from < 0 ? -1 : text.lastIndexOf(lineFeed, from);
}
