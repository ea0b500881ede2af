import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';

/** One line of a worker's stdout. `endOffset` = bytes of the file up to and with its line end. */
export type SessionLine =
  | { readonly kind: 'text'; readonly text: string; readonly endOffset: number }
  /** Longer than the limit; nothing of it was kept. */
  | { readonly kind: 'too_long'; readonly bytes: number; readonly endOffset: number }
  | { readonly kind: 'not_utf8'; readonly bytes: number; readonly endOffset: number };

/** Reads a growing file line by line, in bounded memory. */
export interface SessionLines {
  /** The lines that became complete; `isFull` = there is probably more. */
  read(): { readonly lines: readonly SessionLine[]; readonly isFull: boolean };
  /** Bytes of the file read so far. */
  readonly offset: number;
  close(): void;
}

const blockBytes = 262_144;
const lineFeed = 0x0a;
/** Filled and taken apart within one synchronous call; what is kept of it is copied. */
const block = Buffer.allocUnsafe(blockBytes);

/**
 * @param startOffset where a line begins.
 * @param limitBytes the longest line that is handed on. Default 16 MiB.
 */
export function openSessionLines(path: string, startOffset: number, limitBytes = 16_777_216): SessionLines {
  const fd = openSync(path, 'r');
  let readOffset = startOffset;
  /** The beginning of a line whose end has not come yet; empty once it is longer than the limit. */
  let kept: Buffer[] = [];
  let lineBytes = 0;

  const take = (part: Buffer): void => {
    lineBytes += part.length;
    if (lineBytes > limitBytes) kept = [];
    else kept.push(Buffer.from(part));
  };
  const finish = (endOffset: number): SessionLine => {
    const bytes = lineBytes;
    const line = kept.length === 1 ? kept[0] : Buffer.concat(kept);
    kept = [];
    lineBytes = 0;
    if (bytes > limitBytes || line === undefined) return { kind: 'too_long', bytes, endOffset };
    if (!isUtf8(line)) return { kind: 'not_utf8', bytes, endOffset };
    return { kind: 'text', text: line.toString('utf8'), endOffset };
  };

  return {
    read() {
      const count = readSync(fd, block, 0, blockBytes, readOffset);
      const bytes = block.subarray(0, count);
      const lines: SessionLine[] = [];
      let from = 0;
      for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, from)) {
        take(bytes.subarray(from, end));
        lines.push(finish(readOffset + end + 1));
        from = end + 1;
      }
      take(bytes.subarray(from));
      readOffset += count;
      return { lines, isFull: count === blockBytes };
    },
    get offset() {
      return readOffset;
    },
    close: () => closeSync(fd),
  };
}
