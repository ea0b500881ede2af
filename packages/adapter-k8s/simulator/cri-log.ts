import { EventEmitter } from 'node:events';
import { logTimestamp, type NodeClock } from './node-clock.js';

/** One line of a CRI log file: `<time> <stream> <F|P> <text>`. */
export interface CriEntry {
  readonly ns: bigint;
  readonly stream: 'stdout' | 'stderr';
  /** F: the entry ends a line. P: the line goes on, or the container ended without a newline. */
  readonly isFull: boolean;
  readonly text: Buffer;
}

export interface CriFile {
  readonly entries: CriEntry[];
  bytes: number;
  isClosed: boolean;
}

/**
 * A container's log as containerd and the kubelet keep it (test/golden/07b, 07c, 07e): entries of at most 16384 bytes,
 * stdout and stderr read by two readers, rotation between entries, only the current file readable.
 */
export interface CriLog {
  readonly current: CriFile;
  readonly isEnded: boolean;
  write(stream: 'stdout' | 'stderr', chunk: Buffer): void;
  /** The container ended: an unterminated rest becomes an entry without a newline. */
  end(): void;
  rotate(): void;
  /** Whether every open reader reads the current file: a rotation now makes none of them skip a file. */
  readonly isFollowedClosely: boolean;
  readonly readers: Set<() => CriFile>;
  /** Calls back with the next entry, rotation or end; returns the unsubscribe. */
  onChange(listener: () => void): () => void;
}

/** Containerd's default `max_container_log_line_size`; exactly so many bytes and a newline are one entry. */
const MAX_ENTRY_BYTES = 16384;
const ENTRY_OVERHEAD_BYTES = 40;

/** @param options.rotateCheckMs the kubelet looks at sizes only every 10 s, so a file may grow well beyond its limit. */
export function createCriLog(clock: NodeClock, options: { rotateBytes: number; rotateCheckMs: number }): CriLog {
  let current: CriFile = { entries: [], bytes: 0, isClosed: false };
  const rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  let isEnded = false;
  let checkedAt = Date.now();
  const readers = new Set<() => CriFile>();
  const changes = new EventEmitter().setMaxListeners(0);

  function append(stream: CriEntry['stream'], text: Buffer, isFull: boolean): void {
    current.entries.push({ ns: clock.nowNs(), stream, isFull, text });
    current.bytes += text.length + ENTRY_OVERHEAD_BYTES;
    if (current.bytes < options.rotateBytes || Date.now() - checkedAt < options.rotateCheckMs) return;
    checkedAt = Date.now();
    rotate();
  }

  function rotate(): void {
    current.isClosed = true;
    current = { entries: [], bytes: 0, isClosed: false };
  }

  function write(stream: CriEntry['stream'], chunk: Buffer): void {
    let pending = rest[stream].length === 0 ? chunk : Buffer.concat([rest[stream], chunk]);
    for (;;) {
      const newline = pending.indexOf(0x0a);
      if (newline >= 0 && newline <= MAX_ENTRY_BYTES) {
        append(stream, Buffer.from(pending.subarray(0, newline)), true);
        pending = pending.subarray(newline + 1);
      } else if (pending.length > MAX_ENTRY_BYTES) {
        append(stream, Buffer.from(pending.subarray(0, MAX_ENTRY_BYTES)), false);
        pending = pending.subarray(MAX_ENTRY_BYTES);
      } else {
        break;
      }
    }
    rest[stream] = Buffer.from(pending);
    changes.emit('change');
  }

  return {
    get current() {
      return current;
    },
    readers,
    get isFollowedClosely() {
      return [...readers].every((fileOf) => fileOf() === current);
    },
    get isEnded() {
      return isEnded;
    },
    write,
    end() {
      if (isEnded) return;
      for (const stream of ['stdout', 'stderr'] as const) {
        if (rest[stream].length > 0) append(stream, rest[stream], false);
        rest[stream] = Buffer.alloc(0);
      }
      isEnded = true;
      changes.emit('change');
    },
    rotate() {
      rotate();
      changes.emit('change');
    },
    onChange(listener) {
      changes.on('change', listener);
      return () => changes.off('change', listener);
    },
  };
}

export interface LogReadOptions {
  readonly timestamps: boolean;
  readonly tailLines?: number;
  /** Entries older than this are skipped. `sinceTime` was cut to whole seconds by the caller, as the kubelet does. */
  readonly sinceNs?: bigint;
  readonly limitBytes?: number;
}

/** Reads one file after the other the way the kubelet does; `next` gives what is there now, null when it must wait. */
export interface CriReader {
  next(): Buffer | null;
  /** At the end of a closed file: go to the *current* one, whatever lies between (so a slow reader loses whole files). */
  readonly isExhausted: boolean;
  close(): void;
}

export function createCriReader(log: CriLog, options: LogReadOptions): CriReader {
  let file = log.current;
  let index = options.tailLines === undefined ? 0 : Math.max(0, file.entries.length - options.tailLines);
  let isAtLineStart = true;
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const fileOf = (): CriFile => file;
  log.readers.add(fileOf);

  return {
    close: () => log.readers.delete(fileOf),
    get isExhausted() {
      return left <= 0;
    },
    next() {
      const parts: Buffer[] = [];
      let size = 0;
      while (left > 0 && size < 32_768) {
        const entry = file.entries[index];
        if (!entry) {
          if (!file.isClosed) break;
          file = log.current;
          index = 0;
          continue;
        }
        index += 1;
        if (options.sinceNs !== undefined && entry.ns < options.sinceNs) continue;
        let rendered = render(entry, options.timestamps && isAtLineStart);
        isAtLineStart = entry.isFull;
        if (rendered.length > left) rendered = rendered.subarray(0, left);
        left -= rendered.length;
        size += rendered.length;
        parts.push(rendered);
      }
      return parts.length === 0 ? null : Buffer.concat(parts);
    },
  };
}

/** A timestamp stands before an entry only if the entry before it ended with a newline, whatever its stream (07b). */
function render(entry: CriEntry, hasTimestamp: boolean): Buffer {
  return Buffer.concat([
    hasTimestamp ? Buffer.from(`${logTimestamp(entry.ns)} `) : Buffer.alloc(0),
    entry.text,
    entry.isFull ? Buffer.from('\n') : Buffer.alloc(0),
  ]);
}
