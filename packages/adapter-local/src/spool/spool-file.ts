import { closeSync, openSync, readSync } from 'node:fs';
import { createUtf8Decoder, type DecodedPiece } from '@runbeat/adapter-sdk';

/** Reads one growing file as whole characters. */
export interface SpoolFile {
  /** Bytes handed out as text so far. */
  readonly offset: number;
  /**
   * The next pieces, each small enough for one `onLog`; empty = nothing new. `isFull` = there is probably more.
   * `wasTruncated` = what was read is not in the file any more, so reading starts again at its beginning.
   */
  read(): { readonly pieces: readonly DecodedPiece[]; readonly isFull: boolean; readonly wasTruncated: boolean };
  /** The file has ended: what is left of a character that was never completed, as U+FFFD; empty when nothing is. */
  flush(): string;
  close(): void;
}

const blockBytes = 262_144;
/** So many bytes before the place to read on are read again and compared. */
const overlapBytes = 64;

/**
 * One block for all files of this process: it is filled and decoded within one synchronous call, so that nobody sees
 * what another file left in it.
 */
const block = Buffer.allocUnsafe(blockBytes);

/**
 * Opens a spool file at a byte offset where a character begins. Reading is synchronous: what a command has just written
 * lies in the page cache, where a read of a block takes some ten microseconds, a small part of what a trip through the
 * thread pool costs.
 *
 * A program that opens /dev/stdout or /dev/stderr anew (`echo x > /dev/stderr`) truncates a file where a pipe would not
 * mind. So each read begins a little before its place: when other bytes stand there than before, or none, the file was
 * written anew from its beginning.
 * @throws the file system's error when the file is not there.
 */
export function openSpoolFile(path: string, startOffset: number): SpoolFile {
  const fd = openSync(path, 'r');
  let decoder = createUtf8Decoder({ startOffset });
  let overlap: Buffer = readBefore(fd, startOffset);

  const restart = (): void => {
    decoder = createUtf8Decoder({ startOffset: 0 });
    overlap = Buffer.alloc(0);
  };
  return {
    get offset() {
      return decoder.offset;
    },
    read() {
      const place = decoder.offset + decoder.pendingBytes;
      const count = readSync(fd, block, 0, blockBytes, place - overlap.length);
      const known = block.subarray(0, Math.min(count, overlap.length));
      if (!known.equals(overlap)) {
        restart();
        return { pieces: [], isFull: false, wasTruncated: true };
      }
      const bytes = block.subarray(overlap.length, count);
      if (bytes.length === 0) return { pieces: [], isFull: false, wasTruncated: false };
      overlap = Buffer.from(block.subarray(Math.max(0, count - overlapBytes), count));
      return { pieces: decoder.pushPieces(bytes), isFull: count === blockBytes, wasTruncated: false };
    },
    flush: () => decoder.flush(),
    close: () => closeSync(fd),
  };
}

/** What stands before the place where an earlier host stopped reading. */
function readBefore(fd: number, offset: number): Buffer {
  const before = Buffer.alloc(Math.min(offset, overlapBytes));
  const count = readSync(fd, before, 0, before.length, offset - before.length);
  // Shorter already: 0xff is in no UTF-8 text, so the first read will find a difference.
  return count === before.length ? before : before.fill(0xff);
}
