import { createUtf8Decoder, type Utf8Decoder } from '@runbeat/adapter-sdk';
import { createApiError } from '../cluster/api-error.js';
import type { ApiStream } from '../cluster/connection.js';
import { type AnchorDecision, createAnchorSearch, createTailSearch, isTailAnchor } from './find-anchor.js';
import { createLineRate } from './line-rate.js';
import {
  decodePlainCursor,
  encodePlainCursor,
  type LogSource,
  type PlainPosition,
  positionAfterLine,
  startPosition,
} from './log-cursor.js';
import { createLogLineParser, type LinePiece } from './log-line-parser.js';
import type { ContainerLog, LogQuery, LogReadResult, LogSink } from './log-sink.js';

export interface PlainLogOptions {
  readonly source: LogSource;
  readonly sink: LogSink;
  /** The cursor of the last stored record; null = from the start. */
  readonly cursor: string | null;
  readonly open: (query: LogQuery, signal: AbortSignal) => Promise<ApiStream>;
  /** A tail that does not show the known place within this long is given up for a look at the whole file. */
  readonly searchMs: number;
  readonly now: () => number;
}

/** Where in a response the new lines begin. */
type StartRule =
  | { readonly kind: 'all' }
  | { readonly kind: 'tail'; readonly lines: number }
  | { readonly kind: 'skip'; readonly lines: number; readonly firstHash: string };

/** One `onLog` holds at most 64 KiB; a piece of 16 KiB may triple. */
const batchBytes = 60_000;

/**
 * A log of any image, exactly once: the last lines that were delivered are looked for in what the server sends, and only
 * what stands behind them is new. Times and counts of the API are not exact enough (see docs/kubernetes.md).
 */
export function createPlainLog(options: PlainLogOptions): ContainerLog {
  const { source, sink, open, now } = options;
  let position: PlainPosition = decodePlainCursor(options.cursor, source) ?? startPosition;
  let mustScan = !isTailAnchor(position);
  let decoder: Utf8Decoder = createUtf8Decoder();
  let rest: LinePiece | null = null;
  const rate = createLineRate(now);
  const batch = { text: '', bytes: 0, time: '' };

  async function flush(): Promise<void> {
    if (batch.text === '') return;
    const { text, time } = batch;
    batch.text = '';
    batch.bytes = 0;
    await sink.text('stdout', text, { cursor: encodePlainCursor(source, position), time });
  }

  async function deliver(piece: LinePiece, isFinal = false): Promise<boolean> {
    if (piece.start === 0) await beginLine(piece);
    const skip = Math.max(0, position.partial - piece.start);
    const isKnown = skip >= piece.bytes.length && !piece.isLineEnd && !isFinal;
    if (isKnown) return false;
    let text = decoder.push(piece.bytes.subarray(skip));
    if (piece.isLineEnd || isFinal) text += decoder.flush();
    if (piece.isLineEnd) text += '\n';
    const size = Buffer.byteLength(text);
    if (batch.bytes + size > batchBytes) await flush();
    batch.text += text;
    batch.bytes += size;
    batch.time = piece.time;
    position = piece.isLineEnd
      ? positionAfterLine(position, piece.hash)
      : { ...position, partial: decoder.offset, partialTime: piece.time };
    if (piece.isLineEnd) rate.count();
    return text !== '';
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

  async function planStart(signal: AbortSignal): Promise<StartRule> {
    if (position.count === 0) return { kind: 'all' };
    if (!mustScan) return { kind: 'tail', lines: Math.max(500, 2 * rate.last30s()) };
    const { decision, firstHash } = await scan(signal);
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

  /** Looks for the position in the whole current file, without keeping it in memory. */
  async function scan(signal: AbortSignal): Promise<{ decision: AnchorDecision; firstHash: string }> {
    const search = createAnchorSearch(position);
    const parser = createLogLineParser();
    let firstHash = '';
    for await (const chunk of await open({ follow: false }, signal)) {
      const { pieces, problem } = parser.push(chunk);
      for (const piece of pieces) {
        if (!piece.isLineEnd) continue;
        firstHash ||= piece.hash;
        search.line(piece.hash);
      }
      if (problem !== null) throw inBandError(problem);
    }
    return { decision: search.decide(), firstHash };
  }

  async function read({ isFollow, signal }: { isFollow: boolean; signal: AbortSignal }): Promise<LogReadResult> {
    rest = null;
    const rule = await planStart(signal);
    const stream = await open({ follow: isFollow, ...(rule.kind === 'tail' ? { tailLines: rule.lines } : {}) }, signal);
    const isNew = createStartTest(rule, position);
    const parser = createLogLineParser();
    let hasAdded = false;
    const searchTimer = rule.kind === 'tail' ? setTimeout(() => stream.close(), options.searchMs) : undefined;
    try {
      for await (const chunk of stream) {
        const { pieces, problem } = parser.push(chunk);
        for (const piece of pieces) {
          const verdict = isNew(piece);
          if (verdict === 'wrong-place') return giveUpSearch(stream, hasAdded);
          if (verdict === 'new') hasAdded = (await deliver(piece)) || hasAdded;
          if (verdict !== 'searching') clearTimeout(searchTimer);
        }
        await flush();
        if (problem !== null) throw inBandError(problem);
      }
      if (isNew.isSearching) return giveUpSearch(stream, hasAdded);
    } catch (error) {
      if (!isNew.isSearching || signal.aborted) throw error;
      // Our own timer, or a cut: either way the tail did not show the place.
      mustScan = true;
      throw error;
    } finally {
      clearTimeout(searchTimer);
      await flush();
      stream.close();
      if (!isNew.isSearching) mustScan = !isTailAnchor(position);
    }
    rest = parser.unterminated();
    return { hasAdded, restKey: rest === null ? '' : `${rest.time} ${rest.start} ${rest.bytes.toString('base64')}` };
  }

  function giveUpSearch(stream: ApiStream, hasAdded: boolean): LogReadResult {
    stream.close();
    mustScan = true;
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
