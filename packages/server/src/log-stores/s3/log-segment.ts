import type { LogPosition, LogRunKey } from '../../supervisor/ports/index.js';
import { endOf, entriesFromBlock, type LogEntry } from '../log-entry.js';

/** A piece of a log: one object, named so that a list of keys is a table of contents. */
export interface SegmentName {
  readonly key: string;
  readonly epoch: number;
  readonly firstSeq: number;
  readonly startOffset: number;
}

export interface Segment extends SegmentName {
  readonly entries: readonly LogEntry[];
  readonly text: Buffer;
  /** The last cursor before this segment, so that nobody has to look further back. */
  readonly cursorBefore: string | null;
}

const number = (value: number, digits: number): string => String(value).padStart(digits, '0');

export function segmentPrefix(prefix: string, run: LogRunKey): string {
  return `${prefix}${encodeURIComponent(run.companyId)}/${encodeURIComponent(run.runId)}/`;
}

export function segmentName(prefix: string, epoch: number, end: LogPosition): SegmentName {
  const firstSeq = end.lastSeq + 1;
  const startOffset = end.endOffset;
  return {
    key: `${prefix}${number(epoch, 10)}.${number(firstSeq, 12)}.${number(startOffset, 16)}`,
    epoch,
    firstSeq,
    startOffset,
  };
}

/** Null for an object that is none of ours. */
export function segmentNameFromKey(key: string): SegmentName | null {
  const match = /\/(\d{10})\.(\d{12})\.(\d{16})$/.exec(key);
  return match === null ? null : { key, epoch: Number(match[1]), firstSeq: Number(match[2]), startOffset: Number(match[3]) };
}

/** One line that says where the text begins, the index, the text. */
export function segmentBody(cursorBefore: string | null, index: Buffer, text: Buffer): Buffer {
  const head = Buffer.from(`${JSON.stringify({ indexBytes: index.length, cursorBefore })}\n`);
  return Buffer.concat([head, index, text]);
}

export function segmentFromBody(name: SegmentName, body: Buffer): Segment {
  const headEnd = body.indexOf(10);
  const head = JSON.parse(body.toString('utf8', 0, headEnd)) as { indexBytes: number; cursorBefore: string | null };
  const indexStart = headEnd + 1;
  const textStart = indexStart + head.indexBytes;
  return {
    ...name,
    entries: entriesFromBlock(body.subarray(indexStart, textStart)),
    text: body.subarray(textStart),
    cursorBefore: head.cursorBefore,
  };
}

/**
 * The segments that count, in order, each with the seq at which it stops counting. A newer owner starts with a segment of
 * its own where it found the end; whatever an older one wrote behind that, it wrote after it had lost the run.
 */
export function countingSegments(names: readonly SegmentName[]): { readonly name: SegmentName; readonly untilSeq: number }[] {
  const counting: { name: SegmentName; untilSeq: number }[] = [];
  let cut = Number.POSITIVE_INFINITY;
  let newerEpoch = Number.POSITIVE_INFINITY;
  let newerCut = Number.POSITIVE_INFINITY;
  for (const name of [...names].sort(byPlace).reverse()) {
    if (name.epoch < newerEpoch) {
      cut = Math.min(cut, newerCut);
      newerEpoch = name.epoch;
      newerCut = name.firstSeq;
    }
    newerCut = Math.min(newerCut, name.firstSeq);
    if (name.firstSeq < cut) counting.push({ name, untilSeq: cut });
  }
  return counting.reverse();
}

function byPlace(a: SegmentName, b: SegmentName): number {
  return a.epoch - b.epoch || a.firstSeq - b.firstSeq;
}

/** The segment without what does not count. */
export function cutSegment(segment: Segment, untilSeq: number): Segment {
  const entries = segment.entries.filter((entry) => entry.seq < untilSeq);
  const last = entries.at(-1);
  const bytes = last === undefined ? 0 : endOf(last) - segment.startOffset;
  return { ...segment, entries, text: segment.text.subarray(0, bytes) };
}

export function positionFrom(segment: Segment): LogPosition {
  const last = segment.entries.at(-1);
  return {
    lastSeq: last?.seq ?? segment.firstSeq - 1,
    endOffset: last === undefined ? segment.startOffset : endOf(last),
    lastCursor: segment.entries.findLast((entry) => entry.cursor !== null)?.cursor ?? segment.cursorBefore,
  };
}
