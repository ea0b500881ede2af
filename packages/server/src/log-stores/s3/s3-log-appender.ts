import type { LogAppender, LogPosition, LogRecord, LogRunKey } from '../../supervisor/ports/index.js';
import { encodeRecords, type NewLogRecord } from '../log-entry.js';
import { logFenced, logStoreUnavailable } from '../log-store-errors.js';
import { bucketFailure } from './bucket-failure.js';
import { type SegmentName, segmentBody, segmentName, segmentNameFromKey } from './log-segment.js';
import type { ObjectBucket } from './object-bucket.js';
import { readStoredLog } from './stored-log.js';

/** A segment is sealed and the next one begun when it holds this much text or index. */
const sealBytes = 256 * 1024;
const ownerCheckMs = 1_000;

export interface S3LogAppender extends LogAppender {
  readonly ownerEpoch: number;
  fence(): Promise<void>;
}

/** Opens a log and marks with an empty segment where this owner begins; refused for an older epoch (`log_fenced`). */
export async function openS3LogAppender(
  bucket: ObjectBucket,
  place: { readonly run: LogRunKey; readonly prefix: string; readonly ownerEpoch: number },
): Promise<S3LogAppender> {
  const { run, prefix, ownerEpoch } = place;
  try {
    const stored = await readStoredLog(bucket, prefix);
    if (stored !== null && stored.epoch > ownerEpoch) throw logFenced(run, ownerEpoch);
    const position = stored?.position ?? { lastSeq: 0, endOffset: 0, lastCursor: null };
    const segment = segmentName(prefix, ownerEpoch, position);
    await bucket.put(segment.key, segmentBody(position.lastCursor, Buffer.alloc(0), Buffer.alloc(0)));
    return new SegmentAppender(bucket, place, position, segment);
  } catch (error) {
    throw bucketFailure(run, 'opened', error);
  }
}

/**
 * Objects cannot be appended to, so the segment at the end is written anew with each append, until it is large enough and
 * the next one begins. An append is stored when its object is.
 *
 * States: `open` → `fenced` → `closed`, or `open` → `closed`.
 */
class SegmentAppender implements S3LogAppender {
  readonly #bucket: ObjectBucket;
  readonly #run: LogRunKey;
  readonly #prefix: string;
  readonly ownerEpoch: number;
  #position: LogPosition;
  /** The segment at the end: its name, what it holds, and the cursor before it. */
  #segment: SegmentName;
  #index: Buffer = Buffer.alloc(0);
  #text: Buffer = Buffer.alloc(0);
  #cursorBefore: string | null;
  #state: 'open' | 'fenced' | 'closed' = 'open';
  #ownerCheckedAtMs = performance.now();
  /** Appends follow each other in the order of the calls. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    bucket: ObjectBucket,
    place: { readonly run: LogRunKey; readonly prefix: string; readonly ownerEpoch: number },
    position: LogPosition,
    segment: SegmentName,
  ) {
    this.#bucket = bucket;
    this.#run = place.run;
    this.#prefix = place.prefix;
    this.ownerEpoch = place.ownerEpoch;
    this.#position = position;
    this.#segment = segment;
    this.#cursorBefore = position.lastCursor;
  }

  position(): LogPosition {
    return this.#position;
  }

  append(records: readonly NewLogRecord[]): Promise<readonly LogRecord[]> {
    const result = this.#queue.then(() => this.#appendInTurn(records));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** An object is durable when its upload is answered. */
  async sync(): Promise<void> {
    await this.#queue;
  }

  async fence(): Promise<void> {
    if (this.#state === 'open') this.#state = 'fenced';
    await this.#queue;
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#queue;
  }

  async #appendInTurn(records: readonly NewLogRecord[]): Promise<readonly LogRecord[]> {
    if (this.#state === 'fenced') throw logFenced(this.#run, this.ownerEpoch);
    if (this.#state === 'closed') throw logStoreUnavailable(this.#run, 'written', 'it was closed');
    try {
      await this.#checkOwner();
      if (records.length === 0) return [];
      const encoded = encodeRecords(records, this.#position);
      const index = Buffer.concat([this.#index, encoded.index]);
      const text = Buffer.concat([this.#text, encoded.text]);
      await this.#bucket.put(this.#segment.key, segmentBody(this.#cursorBefore, index, text));
      this.#position = {
        lastSeq: this.#position.lastSeq + records.length,
        endOffset: this.#position.endOffset + encoded.text.length,
        lastCursor: records.findLast((record) => record.cursor !== null)?.cursor ?? this.#position.lastCursor,
      };
      this.#keepOrSeal(index, text);
      return encoded.records;
    } catch (error) {
      throw bucketFailure(this.#run, 'written', error);
    }
  }

  #keepOrSeal(index: Buffer, text: Buffer): void {
    if (index.length < sealBytes && text.length < sealBytes) {
      this.#index = index;
      this.#text = text;
      return;
    }
    this.#segment = segmentName(this.#prefix, this.ownerEpoch, this.#position);
    this.#index = Buffer.alloc(0);
    this.#text = Buffer.alloc(0);
    this.#cursorBefore = this.#position.lastCursor;
  }

  async #checkOwner(): Promise<void> {
    const now = performance.now();
    if (now - this.#ownerCheckedAtMs < ownerCheckMs) return;
    this.#ownerCheckedAtMs = now;
    const keys = await this.#bucket.list(this.#prefix, this.#segment.key);
    if (!keys.some((key) => (segmentNameFromKey(key)?.epoch ?? 0) > this.ownerEpoch)) return;
    this.#state = 'fenced';
    throw logFenced(this.#run, this.ownerEpoch);
  }
}
