import { hostError } from '../adapter-host-error.js';
import type { ReportEntry } from './messages.js';

/** Text that may be on its way unacknowledged before `onLog` makes the adapter wait, in UTF-16 units. */
const WINDOW_LENGTH = 1024 * 1024;
/** What a report without text counts in the window: an event is small, thousands of them are not. */
const REPORT_LENGTH = 512;
/** Text that is worth a message of its own without waiting for the end of this turn of the event loop. */
const FLUSH_LENGTH = 256 * 1024;
/** Adjacent texts are joined up to this; three bytes of UTF-8 a unit at most, so the contract's 64 KiB hold. */
const JOIN_LENGTH = 21_845;

/**
 * The worker's end of one call's reports.
 *
 * - *log*: `onLog` resolves once there is room in the window, so that many texts share a message; when the host fails
 *   to take one, every later one rejects with that error, and so does `drain` if no call was left to tell it to.
 *   An adapter that does not wait fills its own worker's memory, never the host's: no more than the window is sent.
 * - everything else resolves or rejects when the host has answered for it: a handle is stored when `onSpawn` resolves.
 */
export interface ReportChannel {
  log(entry: LogEntry): Promise<void>;
  report(entry: Exclude<ReportEntry, LogEntry>): Promise<void>;
  /** The host's answer: everything up to this number was handed on, the last of them with `error`. */
  acknowledge(upTo: number, error: Error | null): void;
  /** Send all that is gathered, whatever the window says: the worker is about to end. */
  flushLast(): void;
  /** Ends the channel to new reports and resolves when the host has taken the earlier ones. */
  drain(): Promise<void>;
}

export type LogEntry = Extract<ReportEntry, { kind: 'log' }>;

interface Pending {
  readonly sequence: number;
  length: number;
  readonly isLog: boolean;
  readonly settle: (error: Error | null) => void;
}

export function createReportChannel(send: (first: number, entries: readonly ReportEntry[]) => void): ReportChannel {
  return new Channel(send);
}

const ignore = (): void => {};

class Channel implements ReportChannel {
  private readonly send: (first: number, entries: readonly ReportEntry[]) => void;
  private nextSequence = 1;
  /** Written by `log` and `report`, emptied by `flush`; not sent yet. */
  private queue: ReportEntry[] = [];
  private queueLength = 0;
  /** Sent or queued, not acknowledged, oldest first. */
  private readonly pending: Pending[] = [];
  /** Of all that is pending. Above the limit the adapter waits. */
  private windowLength = 0;
  /** Of what was sent and not acknowledged. Above the limit nothing more is sent. */
  private sentLength = 0;
  private readonly waitingForRoom: ((error: Error | null) => void)[] = [];
  private readonly waitingForDrain: (() => void)[] = [];
  /** The first log that the host could not take; written by `acknowledge`. */
  private logFailure: Error | null = null;
  private isLogFailureTold = false;
  private isClosed = false;
  private isFlushScheduled = false;

  constructor(send: (first: number, entries: readonly ReportEntry[]) => void) {
    this.send = send;
  }

  log(entry: LogEntry): Promise<void> {
    const refusal = this.refusal();
    if (refusal) return Promise.reject(refusal);
    this.windowLength += entry.text.length;
    this.enqueueLog(entry);
    if (this.windowLength <= WINDOW_LENGTH) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waitingForRoom.push((error) => (error ? reject(error) : resolve()));
    });
  }

  report(entry: Exclude<ReportEntry, LogEntry>): Promise<void> {
    if (this.isClosed) return Promise.reject(lateReport());
    return new Promise((resolve, reject) => {
      this.windowLength += REPORT_LENGTH;
      this.enqueue(entry, REPORT_LENGTH, (error) => (error ? reject(error) : resolve()));
    });
  }

  acknowledge(upTo: number, error: Error | null): void {
    for (let entry = this.pending[0]; entry && entry.sequence <= upTo; entry = this.pending[0]) {
      this.pending.shift();
      const failure = entry.sequence === upTo ? error : null;
      this.windowLength -= entry.length;
      this.sentLength -= entry.length;
      if (failure && entry.isLog) this.logFailure ??= failure;
      entry.settle(failure);
    }
    while (this.waitingForRoom.length > 0 && (this.logFailure || this.windowLength <= WINDOW_LENGTH)) {
      if (this.logFailure) this.isLogFailureTold = true;
      this.waitingForRoom.shift()?.(this.logFailure);
    }
    this.flush();
    if (this.pending.length === 0) for (const resolve of this.waitingForDrain.splice(0)) resolve();
  }

  async drain(): Promise<void> {
    this.isClosed = true;
    this.flush();
    if (this.pending.length > 0) await new Promise<void>((resolve) => this.waitingForDrain.push(resolve));
    if (this.logFailure && !this.isLogFailureTold) throw this.logFailure;
  }

  private refusal(): Error | null {
    if (this.isClosed) return lateReport();
    if (this.logFailure) this.isLogFailureTold = true;
    return this.logFailure;
  }

  private enqueueLog(entry: LogEntry): void {
    const last = this.queue.at(-1);
    const pending = this.pending.at(-1);
    if (last?.kind === 'log' && pending && canJoin(last, entry)) {
      // The queue's entries are this channel's own until they are sent.
      last.text += entry.text;
      if (entry.mark) last.mark = entry.mark;
      pending.length += entry.text.length;
      this.queueLength += entry.text.length;
      if (this.queueLength >= FLUSH_LENGTH) this.flush();
      return;
    }
    this.enqueue(entry, entry.text.length, ignore);
  }

  private enqueue(entry: ReportEntry, length: number, settle: (error: Error | null) => void): void {
    this.queue.push(entry);
    this.queueLength += length;
    this.pending.push({ sequence: this.nextSequence, length, isLog: entry.kind === 'log', settle });
    this.nextSequence += 1;
    // Nothing on its way: send at once, so that what was said before a hang or a crash is not lost. While the host is
    // busy with earlier reports, later ones gather.
    if (this.pending.length === 1 || this.queueLength >= FLUSH_LENGTH) this.flush();
    else this.scheduleFlush();
  }

  private scheduleFlush(): void {
    if (this.isFlushScheduled) return;
    this.isFlushScheduled = true;
    setImmediate(() => {
      this.isFlushScheduled = false;
      this.flush();
    });
  }

  flushLast(): void {
    if (this.queue.length === 0) return;
    this.send(this.nextSequence - this.queue.length, this.queue);
    this.queue = [];
  }

  private flush(): void {
    const firstUnsent = this.pending.length - this.queue.length;
    let count = 0;
    while (count < this.queue.length && this.sentLength <= WINDOW_LENGTH) {
      const length = this.pending[firstUnsent + count]?.length ?? 0;
      this.sentLength += length;
      this.queueLength -= length;
      count += 1;
    }
    if (count === 0) return;
    const first = this.nextSequence - this.queue.length;
    this.send(first, this.queue.splice(0, count));
  }
}

/**
 * Whether two logs can become one without telling less. Not with other streams or times of their own, and not a text
 * without a cursor after one with: the joined text would claim that its second half lies before the cursor.
 */
export function canJoin(first: LogEntry, second: LogEntry): boolean {
  return (
    first.stream === second.stream &&
    first.text.length + second.text.length <= JOIN_LENGTH &&
    first.mark?.at === undefined &&
    second.mark?.at === undefined &&
    (first.mark?.cursor === undefined || second.mark?.cursor !== undefined)
  );
}

function lateReport(): Error {
  return hostError(
    'adapter_closed',
    'Reported after the call had settled; await every onLog, onEvent and onAlive before returning.',
  );
}
