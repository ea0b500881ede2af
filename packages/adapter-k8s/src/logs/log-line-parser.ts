import { createHash, type Hash, hash as hashOnce } from 'node:crypto';

/** A piece of one output line: a whole short line, or a part of a long one. */
export interface LinePiece {
  /** Time that stands before the line, `2026-11-22T01:10:44.702607509Z`. */
  readonly time: string;
  /** Bytes of the line, without timestamp and newline. */
  readonly bytes: Buffer;
  /** Where in the line they begin. */
  readonly start: number;
  /** The line's newline came. */
  readonly isLineEnd: boolean;
  /** Identifies time and text of the whole line; empty before its end. */
  readonly hash: string;
  /** At the end of a line: what a rotation in its middle would leave of it in the next file. */
  readonly tail: LineTail | null;
}

/**
 * The node cuts long lines into entries of 16 KiB and may rotate between them. The rest then looks like a line of its own, with
 * a time of its own; by its length and its last entry it is known again.
 */
export interface LineTail {
  readonly bytes: number;
  readonly lastEntryHash: string;
}

/** What a chunk gave. `problem` = this body is no output from here on: an error of the kubelet inside HTTP 200. */
export interface ParsedLog {
  readonly pieces: readonly LinePiece[];
  readonly problem: string | null;
}

/**
 * Cuts a `timestamps=true` log into lines. After every newline stands a timestamp; text without one is not output. A
 * line counts when its newline arrives; of a line that grows beyond 20 KiB the older part is given out before.
 */
export interface LogLineParser {
  push(chunk: Buffer): ParsedLog;
  /** What stands after the last newline: the output of a container that ended without one, or a cut connection. */
  unterminated(): LinePiece | null;
}

/** A long line is given out in pieces of so many bytes; invalid UTF-8 triples in size and still fits one `onLog`. */
const pieceBytes = 16_384;
/** The newest bytes of an unfinished line are kept back: an error text of the kubelet may be glued to it. */
const heldBackBytes = 4096;
const timestampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) /;
/** Longer than any timestamp with its space. */
const timestampLimit = 64;
const newlineByte = 0x0a;

function shortHash(bytes: Buffer): string {
  return hashOnce('sha1', bytes, 'hex').slice(0, 10);
}

/** Whether `line`, the first of a file, is the rest of a longer line that was cut by the rotation before. */
export function isRestOf(line: LineTail, bytesOfLine: Buffer, whole: LineTail): boolean {
  const cut = whole.bytes - line.bytes;
  if (whole.lastEntryHash === '' || cut <= 0 || cut % pieceBytes !== 0) return false;
  return (line.lastEntryHash || shortHash(bytesOfLine)) === whole.lastEntryHash;
}

interface OpenLine {
  readonly time: string;
  /** Made for lines that come in pieces only: one hash call a line is several times faster. */
  hash: Hash | null;
  given: number;
}

export function createLogLineParser(): LogLineParser {
  let rest: Buffer = Buffer.alloc(0);
  let line: OpenLine | null = null;
  let problem: string | null = null;

  /** The line that `rest` goes on with; null when its timestamp is not complete, or there is none. */
  function openLine(): OpenLine | null {
    if (line !== null) return line;
    const head = rest.subarray(0, timestampLimit).toString('latin1');
    const match = timestampPattern.exec(head);
    if (match) {
      const time = match[0].trimEnd();
      rest = rest.subarray(match[0].length);
      line = { time, hash: null, given: 0 };
    } else if (rest.length >= timestampLimit || head.includes('\n')) {
      problem = rest.subarray(0, 500).toString('utf8').split('\n')[0] ?? '';
    }
    return line;
  }

  function take(open: OpenLine, count: number, isLineEnd: boolean): LinePiece {
    const bytes = rest.subarray(0, count);
    rest = rest.subarray(isLineEnd ? count + 1 : count);
    const start = open.given;
    open.given += count;
    let hash = '';
    if (isLineEnd && start === 0) {
      hash = hashOnce('sha1', `${open.time} ${bytes.toString('latin1')}`, 'hex').slice(0, 10);
    } else {
      open.hash ??= createHash('sha1').update(`${open.time} `);
      // The same text as above, so that a line has one hash however it came.
      open.hash.update(bytes.toString('latin1'));
      if (isLineEnd) hash = open.hash.digest('hex').slice(0, 10);
    }
    if (isLineEnd) line = null;
    const tail = isLineEnd ? { bytes: start + count, lastEntryHash: start === 0 ? '' : shortHash(bytes) } : null;
    return { time: open.time, bytes, start, isLineEnd, hash, tail };
  }

  return {
    push(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const pieces: LinePiece[] = [];
      while (problem === null && rest.length > 0) {
        const open = openLine();
        if (open === null) break;
        const newline = rest.indexOf(newlineByte);
        if (newline >= 0 && newline <= pieceBytes) pieces.push(take(open, newline, true));
        else if (newline > pieceBytes || rest.length > pieceBytes + heldBackBytes) pieces.push(take(open, pieceBytes, false));
        else break;
      }
      return { pieces, problem };
    },
    unterminated() {
      if (line === null && rest.length === 0) return null;
      const open = openLine();
      return open === null ? null : take(open, rest.length, false);
    },
  };
}
