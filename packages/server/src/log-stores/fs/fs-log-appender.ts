import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { isServerError } from '../../server-error.js';
import type { LogAppender, LogPosition, LogRecord, LogRunKey } from '../../supervisor/ports/index.js';
import { encodeRecords, type NewLogRecord } from '../log-entry.js';
import { logFenced, logStoreUnavailable, writeFailure } from '../log-store-errors.js';
import { writeBytes } from './file-bytes.js';
import { findEnd, findLastCursor, type LogFilesEnd } from './log-end.js';
import { readOwnerEpoch, writeOwnerEpoch } from './owner-file.js';
import { leaseBuffer } from './spare-buffers.js';

/** How long a process that lost the log to another one may go on before it notices. */
const ownerCheckMs = 1_000;

type WriterEnd = LogFilesEnd & LogPosition;

/** The writer of one log's two files. */
export interface FsLogAppender extends LogAppender {
  readonly ownerEpoch: number;
  /** Up to where readers of this process may read. */
  filesEnd(): WriterEnd;
  /** Refuses all further appends; resolves when none is at work any more. */
  fence(): Promise<void>;
}

/** Opens the files of a log, cuts their torn ends and claims it for the epoch; refused for an older one (`log_fenced`). */
export async function openFsLogAppender(run: LogRunKey, folder: string, ownerEpoch: number): Promise<FsLogAppender> {
  let log: FileHandle | undefined;
  let index: FileHandle | undefined;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const storedEpoch = readOwnerEpoch(folder);
    if (storedEpoch > ownerEpoch) throw logFenced(run, ownerEpoch);
    if (storedEpoch < ownerEpoch) await writeOwnerEpoch(folder, ownerEpoch);
    const flags = constants.O_RDWR | constants.O_CREAT;
    log = await open(join(folder, 'log'), flags, 0o600);
    index = await open(join(folder, 'index'), flags, 0o600);
    const end = await findEnd(index, log);
    await cut(index, log, end);
    const lastCursor = await findLastCursor(index, end.indexEnd);
    return new FileAppender({ run, folder, ownerEpoch }, { log, index, end: { ...end, lastCursor } });
  } catch (error) {
    await Promise.allSettled([log?.close(), index?.close()]);
    throw isServerError(error) ? error : writeFailure(run, error);
  }
}

/**
 * States: `open` → `fenced` (a newer owner; appends are refused) → `closed`, or `open` → `closed`. `#end` is what readers
 * may see; it moves only after both files hold the records. `#isTorn` says that the files may hold more than that: they
 * are cut before the next write.
 */
class FileAppender implements FsLogAppender {
  readonly #run: LogRunKey;
  readonly #folder: string;
  readonly ownerEpoch: number;
  readonly #log: FileHandle;
  readonly #index: FileHandle;
  #end: WriterEnd;
  #isTorn = false;
  #state: 'open' | 'fenced' | 'closed' = 'open';
  #ownerCheckedAtMs = performance.now();
  /** Writes follow each other in the order of the calls. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    place: { readonly run: LogRunKey; readonly folder: string; readonly ownerEpoch: number },
    files: { readonly log: FileHandle; readonly index: FileHandle; readonly end: WriterEnd },
  ) {
    this.#run = place.run;
    this.#folder = place.folder;
    this.ownerEpoch = place.ownerEpoch;
    this.#log = files.log;
    this.#index = files.index;
    this.#end = files.end;
  }

  position(): LogPosition {
    const { lastSeq, endOffset, lastCursor } = this.#end;
    return { lastSeq, endOffset, lastCursor };
  }

  filesEnd(): WriterEnd {
    return this.#end;
  }

  append(records: readonly NewLogRecord[]): Promise<readonly LogRecord[]> {
    return this.#inTurn(async () => {
      this.#checkOwner();
      if (records.length === 0) return [];
      const { lastSeq, endOffset, lastCursor, indexEnd } = this.#end;
      const lease = leaseBuffer();
      const encoded = encodeRecords(records, this.#end, lease.allocate);
      try {
        if (this.#isTorn) await this.#cutTorn();
        this.#isTorn = true;
        // Text first: a line of the index without its text must not exist.
        await writeBytes(this.#log, encoded.text, endOffset);
        await writeBytes(this.#index, encoded.index, indexEnd);
        this.#isTorn = false;
      } catch (error) {
        // Cut at once, so that another reader of the disk sees no half; if not even that works, before the next write.
        await this.#cutTorn().catch(() => undefined);
        throw writeFailure(this.#run, error);
      } finally {
        lease.release();
      }
      this.#end = {
        lastSeq: lastSeq + records.length,
        endOffset: endOffset + encoded.text.length,
        lastCursor: records.findLast((record) => record.cursor !== null)?.cursor ?? lastCursor,
        indexEnd: indexEnd + encoded.index.length,
      };
      return encoded.records;
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#log.datasync();
        await this.#index.datasync();
      } catch (error) {
        throw writeFailure(this.#run, error);
      }
    });
  }

  async fence(): Promise<void> {
    if (this.#state === 'open') this.#state = 'fenced';
    await this.#queue;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#queue;
    await Promise.all([this.#log.close(), this.#index.close()]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      if (this.#state === 'fenced') throw logFenced(this.#run, this.ownerEpoch);
      if (this.#state === 'closed') throw logStoreUnavailable(this.#run, 'written', 'it was closed');
      return work();
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #cutTorn(): Promise<void> {
    await cut(this.#index, this.#log, this.#end);
    this.#isTorn = false;
  }

  #checkOwner(): void {
    const now = performance.now();
    if (now - this.#ownerCheckedAtMs < ownerCheckMs) return;
    this.#ownerCheckedAtMs = now;
    if (this.#storedEpoch() <= this.ownerEpoch) return;
    this.#state = 'fenced';
    throw logFenced(this.#run, this.ownerEpoch);
  }

  #storedEpoch(): number {
    try {
      return readOwnerEpoch(this.#folder);
    } catch (error) {
      throw logStoreUnavailable(this.#run, 'read', error);
    }
  }
}

/** Index first: what it does not name does not exist. */
async function cut(index: FileHandle, log: FileHandle, end: LogFilesEnd): Promise<void> {
  if ((await index.stat()).size > end.indexEnd) await index.truncate(end.indexEnd);
  if ((await log.stat()).size > end.endOffset) await log.truncate(end.endOffset);
}
