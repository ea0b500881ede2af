import type { FileHandle } from 'node:fs/promises';
import { entriesFromBlock, entryFromLine, type LogEntry } from '../log-entry.js';
import { isAtOrBehind, type LogStart } from '../reading/log-source.js';
import { readBytes } from './file-bytes.js';

const lineFeed = 10;
/** Below this many bytes the search reads on in order. */
const linearBytes = 8 * 1024;
const firstBlockBytes = 16 * 1024;
const largestBlockBytes = 1024 * 1024;

/**
 * Entries from the start on. Lines are in order of seq and of offset, so the first one is found by halving the file: a
 * page far inside a long log costs some twenty small reads, and nothing has to be kept in memory.
 */
export async function* entriesFrom(file: FileHandle, indexEnd: number, start: LogStart): AsyncGenerator<LogEntry[]> {
  let position = await findLine(file, indexEnd, (entry) => isAtOrBehind(entry, start));
  for (let size = firstBlockBytes; position < indexEnd; ) {
    const { block, end } = await wholeLines(file, position, indexEnd, size);
    position = end;
    size = Math.min(size * 2, largestBlockBytes);
    const entries = entriesFromBlock(block).filter((entry) => isAtOrBehind(entry, start));
    if (entries.length > 0) yield entries;
  }
}

/** Blocks from the end to the start. */
export async function* entriesBackward(file: FileHandle, indexEnd: number): AsyncGenerator<LogEntry[]> {
  let end = indexEnd;
  for (let size = firstBlockBytes; end > 0; size = Math.min(size * 2, largestBlockBytes)) {
    const start = await lineStartBefore(file, end, Math.max(0, end - size));
    yield entriesFromBlock(await readBytes(file, start, end));
    end = start;
  }
}

/** Where the first line begins for which `isBehind` holds, or somewhat before; it holds for all lines after such a one. */
async function findLine(file: FileHandle, indexEnd: number, isBehind: (entry: LogEntry) => boolean): Promise<number> {
  let low = 0;
  let high = indexEnd;
  while (high - low > linearBytes) {
    const middle = Math.floor((low + high) / 2);
    const line = await firstLineAfter(file, middle, high);
    if (line === null || isBehind(line.entry)) high = middle;
    else low = line.end;
  }
  return low;
}

/** The first whole line that begins at or behind `from` and before `before`; null when there is none. */
async function firstLineAfter(
  file: FileHandle,
  from: number,
  before: number,
): Promise<{ readonly entry: LogEntry; readonly end: number } | null> {
  for (let size = 1_024; ; size *= 4) {
    // One byte earlier, so that a line which begins exactly here is seen to begin here.
    const origin = Math.max(0, from - 1);
    const block = await readBytes(file, origin, Math.min(before, from + size));
    const begin = from === 0 ? 0 : block.indexOf(lineFeed) + 1;
    const end = begin === 0 && from !== 0 ? -1 : block.indexOf(lineFeed, begin);
    if (end !== -1) {
      const entry = entryFromLine(block.toString('utf8', begin, end));
      return entry === null ? null : { entry, end: origin + end + 1 };
    }
    if (from + size >= before) return null;
  }
}

/** At least one whole line from `position` on, about `size` bytes. */
async function wholeLines(
  file: FileHandle,
  position: number,
  indexEnd: number,
  size: number,
): Promise<{ readonly block: Buffer; readonly end: number }> {
  for (let wanted = size; ; wanted *= 4) {
    const block = await readBytes(file, position, Math.min(indexEnd, position + wanted));
    const last = block.lastIndexOf(lineFeed);
    if (last !== -1) return { block: block.subarray(0, last + 1), end: position + last + 1 };
    if (position + wanted >= indexEnd || block.length < wanted) return { block: Buffer.alloc(0), end: indexEnd };
  }
}

/** The start of a line at or before `wanted`, so that the block up to `end` holds whole lines. */
async function lineStartBefore(file: FileHandle, end: number, wanted: number): Promise<number> {
  for (let from = wanted; ; from = Math.max(0, from - largestBlockBytes)) {
    if (from === 0) return 0;
    const block = await readBytes(file, from - 1, end - 1);
    const feed = block.indexOf(lineFeed);
    if (feed !== -1) return from + feed;
  }
}
