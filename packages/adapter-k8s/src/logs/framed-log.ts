import { createApiError } from '../cluster/api-error.js';
import type { ApiStream } from '../cluster/connection.js';
import { decodeFrame, type Frame, parseShimExit, type ShimExit } from './frames.js';
import { createLineRate } from './line-rate.js';
import { decodeFramedCursor, encodeFramedCursor, type LogSource } from './log-cursor.js';
import { createLogLineParser } from './log-line-parser.js';
import type { ContainerLog, LogQuery, LogReadResult, LogSink } from './log-sink.js';

export interface FramedLogOptions {
  readonly source: LogSource;
  readonly sink: LogSink;
  readonly cursor: string | null;
  readonly open: (query: LogQuery, signal: AbortSignal) => Promise<ApiStream>;
  /**
   * Frames that the shim still has in its spool, by exec; empty when the container has ended or exec is not allowed.
   * Rejects with a KubernetesApiError when it could not find out.
   */
  readonly replay: (from: number, to: number, signal: AbortSignal) => Promise<readonly Frame[]>;
  readonly now: () => number;
}

export interface FramedLog extends ContainerLog {
  /** From the `x` frame; null before it came. */
  readonly exit: ShimExit | null;
  /** Output that is no frame: the shim itself could not run. */
  readonly foreignText: string;
}

const batchBytes = 60_000;
const foreignLimit = 4096;
/** Frames held in memory while a hole is mended. */
const repairLimitBytes = 64 * 2 ** 20;

/**
 * A log written by the shim: each frame has a number, so that what is known is skipped, what is missing is known exactly,
 * and is first looked for in the whole file, then in the shim's spool.
 */
export function createFramedLog(options: FramedLogOptions): FramedLog {
  const { source, sink, open } = options;
  let seq = decodeFramedCursor(options.cursor, source.podUid);
  let exit: ShimExit | null = null;
  let foreignText = '';
  const rate = createLineRate(options.now);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const batch = { stream: 'stdout' as 'stdout' | 'stderr', text: '', bytes: 0, time: '' };

  const cursor = (): string => encodeFramedCursor(source.podUid, seq);

  async function flush(): Promise<void> {
    if (batch.text === '') return;
    const { stream, text, time } = batch;
    batch.text = '';
    batch.bytes = 0;
    await sink.text(stream, text, { cursor: cursor(), time });
  }

  /** The next frame in order. */
  async function deliver(frame: Frame, time: string): Promise<void> {
    rate.count();
    if (frame.kind === 'o' || frame.kind === 'e') {
      const stream = frame.kind === 'o' ? 'stdout' : 'stderr';
      const text = decoder.decode(frame.payload);
      const size = Buffer.byteLength(text);
      if (batch.stream !== stream || batch.bytes + size > batchBytes) await flush();
      batch.stream = stream;
      batch.text += text;
      batch.bytes += size;
      batch.time = time;
    }
    seq = frame.seq;
    if (frame.kind === 'h') await sink.alive();
    if (frame.kind === 'x') exit = parseShimExit(frame.payload.toString('utf8'));
  }

  /** Frames `seq + 1` to `last` did not come: file, then spool, then a marker with the exact range. */
  async function repair(last: number, wasWholeFile: boolean, signal: AbortSignal): Promise<void> {
    await flush();
    const found = wasWholeFile ? new Map<number, Frame>() : await collect(last, signal);
    const missing = rangesMissing(found, seq + 1, last);
    for (const { from, to } of missing) {
      for (const frame of await options.replay(from, to, signal)) {
        if (frame.seq >= from && frame.seq <= to) found.set(frame.seq, frame);
      }
    }
    while (seq < last) {
      const frame = found.get(seq + 1);
      if (frame) {
        await deliver(frame, batch.time);
        continue;
      }
      await flush();
      const from = seq + 1;
      seq = rangesMissing(found, from, last)[0]?.to ?? last;
      await sink.gap(
        `Output is missing here: frames ${from} to ${seq} of this run's log (${seq - from + 1} of at most 8 KiB each) were rotated away on the node before they could be read.`,
        cursor(),
      );
    }
  }

  async function collect(last: number, signal: AbortSignal): Promise<Map<number, Frame>> {
    const found = new Map<number, Frame>();
    let bytes = 0;
    for await (const { frame } of framesOf(await open({ follow: false }, signal))) {
      if (frame === null || frame.seq <= seq || frame.seq > last || bytes > repairLimitBytes) continue;
      found.set(frame.seq, frame);
      bytes += frame.payload.length;
    }
    return found;
  }

  async function read({ isFollow, signal }: { isFollow: boolean; signal: AbortSignal }): Promise<LogReadResult> {
    const before = seq;
    const isWhole = seq === 0;
    const tail = isWhole ? {} : { tailLines: isFollow ? Math.max(500, 2 * rate.last30s()) : 500 };
    const stream = await open({ follow: isFollow, ...tail }, signal);
    const isFirstAttach = isWhole && foreignText === '';
    try {
      for await (const { frame, line, time, isChunkEnd } of framesOf(stream)) {
        if (frame === null) {
          if (line !== null && isFirstAttach && foreignText.length < foreignLimit) foreignText += `${line}\n`;
        } else if (frame.seq > seq) {
          if (frame.seq > seq + 1) await repair(frame.seq - 1, isWhole && seq === before, signal);
          await deliver(frame, time);
        }
        if (isChunkEnd) await flush();
      }
    } finally {
      await flush();
      stream.close();
    }
    return { hasAdded: seq > before, restKey: '' };
  }

  return {
    get exit() {
      return exit;
    },
    get foreignText() {
      return foreignText;
    },
    read,
    async finish(terminationMessage) {
      exit ??= parseShimExit(terminationMessage);
      const last = exit?.seq ?? seq;
      if (last <= seq) return;
      const from = seq + 1;
      seq = last;
      await sink.gap(
        `Output is missing here: frames ${from} to ${last}, the end of this run's log, cannot be read any more.`,
        cursor(),
      );
    },
  };
}

interface FrameLine {
  /** Null = a line that is no frame, or only the end of a chunk. */
  readonly frame: Frame | null;
  readonly line: string | null;
  readonly time: string;
  readonly isChunkEnd: boolean;
}

async function* framesOf(stream: ApiStream): AsyncGenerator<FrameLine> {
  const parser = createLogLineParser();
  let parts: Buffer[] = [];
  for await (const chunk of stream) {
    const { pieces, problem } = parser.push(chunk);
    for (const piece of pieces) {
      parts.push(piece.bytes);
      if (!piece.isLineEnd) continue;
      const line = Buffer.concat(parts).toString('latin1');
      parts = [];
      yield { frame: decodeFrame(line), line, time: piece.time, isChunkEnd: false };
    }
    yield { frame: null, line: null, time: '', isChunkEnd: true };
    if (problem !== null) {
      throw createApiError({ kind: 'network', message: `The log ended with an error of the node: ${problem}` });
    }
  }
}

function rangesMissing(found: ReadonlyMap<number, Frame>, from: number, to: number): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (let seq = from; seq <= to; seq += 1) {
    if (found.has(seq)) continue;
    const last = ranges.at(-1);
    if (last?.to === seq - 1) last.to = seq;
    else ranges.push({ from: seq, to: seq });
  }
  return ranges;
}
