import type { FileHandle } from 'node:fs/promises';
import type { LogPosition } from '../../supervisor/ports/index.js';
import { endOf, entryFromLine, type LogEntry } from '../log-entry.js';
import { readBytes } from './file-bytes.js';
import { entriesBackward } from './index-file.js';

/** Where both files end. Everything behind is torn and counts for nothing. */
export type LogFilesEnd = Omit<LogPosition, 'lastCursor'> & { readonly indexEnd: number };

export const emptyEnd: LogFilesEnd = { lastSeq: 0, endOffset: 0, indexEnd: 0 };

const lineFeed = 10;
const blockBytes = 64 * 1024;
const cursorMark = ',"cursor":"';

/**
 * Finds the last line of the index that is whole and whose text is whole. The index is written after the text; a line
 * whose text is missing was saved by a system that died between the two reaching the disk.
 */
export async function findEnd(index: FileHandle, log: FileHandle): Promise<LogFilesEnd> {
  const [indexSize, logSize] = await Promise.all([index.stat(), log.stat()]).then((stats) => stats.map((stat) => stat.size));
  let indexEnd = indexSize ?? 0;
  for (;;) {
    const line = await lastLine(index, indexEnd);
    if (line === null) return emptyEnd;
    if (line.entry !== null && endOf(line.entry) <= (logSize ?? 0)) {
      return { lastSeq: line.entry.seq, endOffset: endOf(line.entry), indexEnd: line.end };
    }
    indexEnd = line.start;
  }
}

/** The last line that ends with a line feed at or before `before`; its entry is null when it cannot be read. */
async function lastLine(
  index: FileHandle,
  before: number,
): Promise<{ readonly entry: LogEntry | null; readonly start: number; readonly end: number } | null> {
  for (let size = blockBytes; ; size *= 4) {
    const from = Math.max(0, before - size);
    const block = await readBytes(index, from, before);
    const end = block.lastIndexOf(lineFeed);
    if (end !== -1) {
      const start = end === 0 ? 0 : block.lastIndexOf(lineFeed, end - 1) + 1;
      if (start > 0 || from === 0) {
        return { entry: entryFromLine(block.toString('utf8', start, end)), start: from + start, end: from + end + 1 };
      }
    }
    if (from === 0) return null;
  }
}

/**
 * The cursor of the last record that has one. Only a writer and a reattach ask for it, since without any cursor the whole
 * index is looked through; blocks without the mark are not parsed.
 */
export async function findLastCursor(index: FileHandle, indexEnd: number): Promise<string | null> {
  let end = indexEnd;
  const overlap = cursorMark.length;
  while (end > 0) {
    const from = Math.max(0, end - 16 * blockBytes);
    const block = await readBytes(index, from, Math.min(indexEnd, end + overlap));
    if (block.includes(cursorMark)) break;
    end = from;
  }
  if (end === 0) return null;
  for await (const entries of entriesBackward(index, await lineEndAt(index, end, indexEnd))) {
    const found = entries.findLast((entry) => entry.cursor !== null);
    if (found !== undefined) return found.cursor;
  }
  return null;
}

/** The end of the line in which `position` lies. */
async function lineEndAt(index: FileHandle, position: number, indexEnd: number): Promise<number> {
  for (let size = blockBytes; ; size *= 4) {
    const block = await readBytes(index, position, Math.min(indexEnd, position + size));
    const feed = block.indexOf(lineFeed);
    if (feed !== -1) return position + feed + 1;
    if (position + size >= indexEnd) return indexEnd;
  }
}
