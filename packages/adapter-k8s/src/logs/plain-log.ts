import { createUtf8Decoder, type Utf8Decoder } from '@runbeat/adapter-sdk';
import { createApiError } from '../cluster/api-error.js';
import type { ApiStream } from '../cluster/connection.js';
import { type AnchorDecision, createAnchorSearch, createTailSearch, isTailAnchor } from './find-anchor.js';
import { createLineRate } from './line-rate.js';
import {
  cursorHashes,
  decodePlainCursor,
  encodePlainCursor,
  type LogSource,
  type PlainPosition,
  positionAfterLine,
  startPosition,
} from './log-cursor.js';
import { createLogLineParser, isRestOf, type LinePiece } from './log-line-parser.js';
import type { ContainerLog, LogQuery, LogReadResult, LogSink } from './log-sink.js';

export interface PlainLogOptions {
  readonly source: LogSource;
  readonly sink: LogSink;
  /** The cursor of the last stored record; null = from the start. */
  readonly cursor: string | null;
  readonly open: (query: LogQuery, signal: AbortSignal) => Promise<ApiStream>;
  /** A tail that stands still for this long without the known place is given up for a look at the whole file. */
  readonly searchMs: number;
  readonly stallMs: number;
  /**
   * The container started so long ago that its log may have been rotated before it was ever read; null = it cannot have been.
   * The time is that of the start.
   */
  readonly startedLongAgo: Date | null;
  readonly now: () => number;
}

/** Where in a response the new lines begin. */
type StartRule =
  | { readonly kind: 'all' }
  | { readonly kind: 'tail'; readonly lines: number }
  | { readonly kind: 'skip'; readonly lines: number; readonly firstHash: string };

/** Without state: it gets whole lines only. */
const wholeLines = new TextDecoder('utf-8', { ignoreBOM: true });

/** One `onLog` holds at most 64 KiB; a piece of 16 KiB may triple. */
const batchBytes = 60_000;
const tailLines = 500;
/** Times of the start have whole seconds. */
const lateLineMs = 2000;

/**
 * A log of any image, exactly once: the last lines that were delivered are looked for in what the server sends, and only
 * what stands behind them is new. Times and counts of the API are not exact enough (see docs/kubernetes.md).
 */
export function createPlainLog(options: PlainLogOptions): ContainerLog {
  const { source, sink, open, now } = options;
  let position: PlainPosition = decodePlainCursor(options.cursor, source) ?? startPosition;
  /** Whole lines that this reader delivered. */
  let lineCount = 0;
  /**
   * A tail that did not show the place (a new file has fewer lines than are remembered) will not show it the next time
   * either: until so many lines were delivered, the whole file is looked at.
   */
  let scanUntil = 0;
  let decoder: Utf8Decoder = createUtf8Decoder();
  let rest: LinePiece | null = null;
  const rate = createLineRate(now);
  const batch = { text: '', bytes: 0, time: '' };

  async function flush(): Promise<void> {
    if (batch.text === '') return;
    const { text, time } = batch;
    batch.text = '';
    batch.bytes = 0;
    const startedAt = now();
    await sink.text('stdout', text, { cursor: encodePlainCursor(source, position), time });
    const waitedMs = now() - startedAt;
    if (waitedMs < options.stallMs) return;
    // A node whose follower stands still while it rotates skips whole files and says nothing (test/golden/07e).
    await sink.gap(
      `This log was not taken for ${Math.round(waitedMs / 1000)} s. If the container wrote more than the node keeps meanwhile, lines are missing below.`,
      encodePlainCursor(source, position),
    );
  }

  async function deliver(piece: LinePiece, isFinal = false): Promise<boolean> {
    if (position === startPosition) await checkBeginning(piece);
    if (piece.start === 0 && (position.partial > 0 || !piece.isLineEnd || isFinal)) await beginLine(piece);
    const skip = Math.max(0, position.partial - piece.start);
    const isKnown = skip >= piece.bytes.length && !piece.isLineEnd && !isFinal;
    if (isKnown) return false;
    const text =
      piece.isLineEnd && piece.start === 0 && skip === 0 ? `${wholeLines.decode(piece.bytes)}\n` : decode(piece, skip, isFinal);
    const size = Buffer.byteLength(text);
    if (batch.bytes + size > batchBytes) await flush();
    batch.text += text;
    batch.bytes += size;
    batch.time = piece.time;
    position = piece.isLineEnd
      ? positionAfterLine(position, piece)
      : { ...position, partial: decoder.offset, partialTime: piece.time };
    if (piece.isLineEnd) {
      rate.count();
      lineCount += 1;
    }
    return text !== '';
  }

  function decode(piece: LinePiece, skip: number, isFinal: boolean): string {
    const text = decoder.push(piece.bytes.subarray(skip));
    if (!piece.isLineEnd) return isFinal ? text + decoder.flush() : text;
    return `${text}${decoder.flush()}\n`;
  }

  /** The first line that is read comes late after the start: what stood before it may be gone. */
  async function checkBeginning(piece: LinePiece): Promise<void> {
    const { startedLongAgo } = options;
    if (startedLongAgo === null || position !== startPosition || piece.start > 0) return;
    if (Date.parse(piece.time) - startedLongAgo.getTime() < lateLineMs) return;
    await sink.gap(
      'This log was first read long after the container had started. If it had written more than the node keeps by then, its beginning is missing.',
      encodePlainCursor(source, position),
    );
  }

  async function beginLine(piece: LinePiece): Promise<void> {
    if (position.partial > 0 && position.partialTime !== piece.time) {
      await flush();
      position = { ...position, partial: 0, partialTime: '' };
      const message = 'The rest of the line above was rotated away before it could be read.';
      await sink.gap(message, encodePlainCursor(source, position));
    }
    decoder = createUtf8Decoder({ startOffset: position.partial });
  }

  async function planStart(isFollow: boolean, signal: AbortSignal): Promise<StartRule> {
    if (position.count === 0) return { kind: 'all' };
    // Without follow this is the end of a log that was followed up to it: the place is close.
    if (isTailAnchor(position) && lineCount >= scanUntil)
      return { kind: 'tail', lines: isFollow ? Math.max(tailLines, 2 * rate.last30s()) : tailLines };
    const { decision, firstHash } = await scanTwice(signal);
    if (decision.kind === 'cut') throw inBandError('the log is shorter than it was');
    if (decision.kind === 'lost') {
      position = startPosition;
      await sink.gap(
        'The container wrote more than the node keeps while its log could not be read: lines between the one above and the one below are lost (rotated away on the node), if there were any.',
        encodePlainCursor(source, position),
      );
      return { kind: 'all' };
    }
    if (decision.kind === 'ambiguous') {
      await sink.gap(
        'Several places in the log look like the one that was read last: lines may be missing here.',
        encodePlainCursor(source, position),
      );
    }
    return { kind: 'skip', lines: decision.skip, firstHash };
  }

  /** A loss is believed from two looks: a node that is stopped cuts an answer as cleanly as if it were the whole file. */
  async function scanTwice(signal: AbortSignal): ReturnType<typeof scan> {
    const first = await scan(signal);
    return first.decision.kind === 'lost' ? scan(signal) : first;
  }

  /** Looks for the position in the whole current file, without keeping it in memory. */
  async function scan(signal: AbortSignal): Promise<{ decision: AnchorDecision; firstHash: string }> {
    const search = createAnchorSearch(position);
    const parser = createLogLineParser();
    let firstHash = '';
    for await (const chunk of await open({ follow: false }, signal)) {
      const { pieces, problem } = parser.push(chunk);
      for (const piece of pieces) {
        if (!piece.isLineEnd) continue;
        const isFirst = firstHash === '';
        firstHash ||= piece.hash;
        const { tail } = position;
        search.line(piece.hash, isFirst && tail !== null && piece.tail !== null && isRestOf(piece.tail, piece.bytes, tail));
      }
      if (problem !== null) throw inBandError(problem);
    }
    return { decision: search.decide(), firstHash };
  }

  async function read({ isFollow, signal }: { isFollow: boolean; signal: AbortSignal }): Promise<LogReadResult> {
    rest = null;
    const rule = await planStart(isFollow, signal);
    const stream = await open({ follow: isFollow, ...(rule.kind === 'tail' ? { tailLines: rule.lines } : {}) }, signal);
    const isNew = createStartTest(rule, position);
    const parser = createLogLineParser();
    let hasAdded = false;
    const searchTimer = rule.kind === 'tail' ? setTimeout(() => stream.close(), options.searchMs) : undefined;
    const stopSearchTimer = (): void => clearTimeout(searchTimer);
    try {
      for await (const chunk of stream) {
        if (isNew.isSearching) searchTimer?.refresh();
        const { pieces, problem } = parser.push(chunk);
        for (const piece of pieces) {
          const verdict = isNew(piece);
          if (verdict === 'wrong-place') return giveUpSearch(stream, hasAdded);
          if (verdict === 'new') hasAdded = (await deliver(piece)) || hasAdded;
          if (verdict !== 'searching') stopSearchTimer();
        }
        await flush();
        if (problem !== null) throw inBandError(problem);
      }
      if (isNew.isSearching) return giveUpSearch(stream, hasAdded);
    } catch (error) {
      if (!isNew.isSearching || signal.aborted) throw error;
      // Our own timer, or a cut: either way the tail did not show the place.
      giveUpTail();
      throw error;
    } finally {
      stopSearchTimer();
      await flush();
      stream.close();
    }
    rest = parser.unterminated();
    return { hasAdded, restKey: rest === null ? '' : `${rest.time} ${rest.start} ${rest.bytes.toString('base64')}` };
  }

  function giveUpTail(): void {
    scanUntil = lineCount + cursorHashes;
  }

  function giveUpSearch(stream: ApiStream, hasAdded: boolean): LogReadResult {
    stream.close();
    giveUpTail();
    // The next read looks at the whole file; "nothing new" is not proven by this one.
    return { hasAdded, restKey: `searching ${now()}` };
  }

  return {
    read,
    async finish() {
      if (rest === null || (rest.bytes.length === 0 && rest.start === 0)) return;
      await deliver(rest, true);
      await flush();
      rest = null;
    },
  };
}

type Verdict = 'known' | 'new' | 'searching' | 'wrong-place';

interface StartTest {
  (piece: LinePiece): Verdict;
  readonly isSearching: boolean;
}

function createStartTest(rule: StartRule, position: PlainPosition): StartTest {
  let isFound = rule.kind === 'all' || (rule.kind === 'skip' && rule.lines === 0);
  let lines = 0;
  const tail = createTailSearch(position);
  const test = (piece: LinePiece): Verdict => {
    if (isFound) return 'new';
    if (!piece.isLineEnd) return 'searching';
    lines += 1;
    if (rule.kind === 'skip') {
      // Rotated since the scan: the file that was counted is another one now.
      if (lines === 1 && piece.hash !== rule.firstHash) return 'wrong-place';
      isFound = lines >= rule.lines;
      return 'known';
    }
    if (tail.line(piece.hash)) {
      isFound = true;
      return 'known';
    }
    return rule.kind === 'tail' && lines >= rule.lines ? 'wrong-place' : 'searching';
  };
  return Object.defineProperty(test, 'isSearching', { get: () => !isFound }) as unknown as StartTest;
}

function inBandError(text: string): Error {
  return createApiError({ kind: 'network', message: `The log ended with an error of the node: ${text}` });
}
