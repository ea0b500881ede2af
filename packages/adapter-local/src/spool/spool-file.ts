import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createUtf8Decoder, type DecodedPiece } from '@runbeat/adapter-sdk';

/** Reads one growing file as whole characters. */
export interface SpoolFile {
  /** Bytes handed out as text so far. */
  readonly offset: number;
  /**
   * The next pieces, each small enough for one `onLog`; empty = nothing new. `isFull` = there is probably more.
   * `wasTruncated` = the file became shorter than what was read of it, so reading starts again at its beginning.
   */
  read(): { readonly pieces: readonly DecodedPiece[]; readonly isFull: boolean; readonly wasTruncated: boolean };
  /** The file has ended: what is left of a character that was never completed, as U+FFFD; empty when nothing is. */
  flush(): string;
  close(): void;
}

const blockBytes = 262_144;

/**
 * One block for all files of this process: it is filled and decoded within one synchronous call, so that nobody sees
 * what another file left in it.
 */
const block = Buffer.allocUnsafe(blockBytes);

/**
 * Opens a spool file at a byte offset where a character begins. Reading is synchronous: what a command has just written
 * lies in the page cache, where a read of a block takes some ten microseconds, a small part of what a trip through the
 * thread pool costs.
 * @throws the file system's error when the file is not there.
 */
export function openSpoolFile(path: string, startOffset: number): SpoolFile {
  const fd = openSync(path, 'r');
  let decoder = createUtf8Decoder({ startOffset });
  // A program that opens /dev/stdout or /dev/stderr anew (`> /dev/stderr`) truncates a file where a pipe would not mind.
  const isTruncated = (): boolean => fstatSync(fd).size < decoder.offset + decoder.pendingBytes;
  return {
    get offset() {
      return decoder.offset;
    },
    read() {
      const count = readSync(fd, block, 0, blockBytes, decoder.offset + decoder.pendingBytes);
      if (count > 0) {
        return { pieces: decoder.pushPieces(block.subarray(0, count)), isFull: count === blockBytes, wasTruncated: false };
      }
      if (!isTruncated()) return { pieces: [], isFull: false, wasTruncated: false };
      decoder = createUtf8Decoder({ startOffset: 0 });
      return { pieces: [], isFull: false, wasTruncated: true };
    },
    flush: () => decoder.flush(),
    close: () => closeSync(fd),
  };
}
