import { InternalError } from '@runbeat/adapter-sdk';
import type { LogPosition } from '../../supervisor/ports/index.js';
import { isAtOrBehind, type LogSource, type LogStart } from '../reading/log-source.js';
import {
  countingSegments,
  cutSegment,
  positionFrom,
  type Segment,
  type SegmentName,
  segmentFromBody,
  segmentNameFromKey,
} from './log-segment.js';
import type { ObjectBucket } from './object-bucket.js';

/** A log as it lay in the bucket when it was opened for reading. */
export interface StoredLog {
  readonly position: LogPosition;
  readonly source: LogSource;
  /** Highest epoch that ever opened the log. */
  readonly epoch: number;
}

const cachedSegments = 3;

/** Null when the run has no log. Reads the last segment, to know the end. */
export async function readStoredLog(bucket: ObjectBucket, prefix: string): Promise<StoredLog | null> {
  const names = (await bucket.list(prefix)).map(segmentNameFromKey).filter((name) => name !== null);
  const counting = countingSegments(names);
  const last = counting.at(-1);
  if (last === undefined) return null;

  /** Bodies of this reading only: an object that is still being written to changes. */
  const cache = new Map<string, Segment>();
  async function load(place: { readonly name: SegmentName; readonly untilSeq: number }): Promise<Segment> {
    const known = cache.get(place.name.key);
    if (known !== undefined) return known;
    const body = await bucket.get(place.name.key);
    if (body === null) throw new InternalError(`Log segment ${place.name.key} was listed and is gone: the log is being removed.`);
    const segment = cutSegment(segmentFromBody(place.name, body), place.untilSeq);
    cache.set(place.name.key, segment);
    for (const key of cache.keys()) if (cache.size > cachedSegments) cache.delete(key);
    return segment;
  }

  const position = positionFrom(await load(last));
  return { position, epoch: Math.max(...names.map((name) => name.epoch)), source: segmentSource(counting, position, load) };
}

type Place = { readonly name: SegmentName; readonly untilSeq: number };

function segmentSource(places: readonly Place[], end: LogPosition, load: (place: Place) => Promise<Segment>): LogSource {
  const entriesOf = async (place: Place) => (await load(place)).entries.filter((entry) => entry.seq <= end.lastSeq);
  return {
    endOffset: end.endOffset,
    async *entriesFrom(start) {
      for (const place of places.slice(firstPlace(places, start))) {
        yield (await entriesOf(place)).filter((entry) => isAtOrBehind(entry, start));
      }
    },
    async *entriesBackward() {
      for (const place of [...places].reverse()) yield await entriesOf(place);
    },
    async text(from, to) {
      const parts: Buffer[] = [];
      for (const place of places.slice(firstPlace(places, { offset: from }))) {
        if (place.name.startOffset >= to) break;
        const { text, startOffset } = await load(place);
        parts.push(text.subarray(Math.max(0, from - startOffset), Math.max(0, to - startOffset)));
      }
      return Buffer.concat(parts);
    },
  };
}

/** The last segment that begins at or before the start; those before it lie wholly before. */
function firstPlace(places: readonly Place[], start: LogStart): number {
  const isBefore = (name: SegmentName): boolean =>
    'offset' in start ? start.offset > 0 && name.startOffset <= start.offset : name.firstSeq <= start.afterSeq + 1;
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const place = places[middle];
    if (place !== undefined && isBefore(place.name)) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
