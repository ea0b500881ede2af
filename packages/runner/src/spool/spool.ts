import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { RunnerLogLine } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';
import { scanSpool } from './scan-spool.js';
import { bytesFromLine, chainBehind, cursorOfLine } from './spool-line.js';

/**
 * The log of one job on this runner's disk: append-only, the truth until the server accepted the finish.
 * Lines are gathered in memory (bounded) and written by one loop; a full disk makes `append` wait, nothing is dropped
 * for it. Above `limitBytes` output is counted and dropped, and a `system` line says so.
 */
export interface Spool {
  /** Resolves when the line is accepted; waits while too much is unwritten. */
  append(line: RunnerLogLine): Promise<void>;
  /** End of what is written to the file, always behind a line. */
  writtenEnd(): number;
  /** End of what was accepted. */
  end(): number;
  /** Chain hash of everything that was accepted. */
  chain(): string;
  lastCursor(): string | null;
  droppedBytes(): number;
  /** Why writing fails at the moment; null = it does not. */
  blockedReason(): string | null;
  /** Resolves when everything up to the end is in the file: it survives the death of this process, not of the machine. */
  flush(): Promise<void>;
  /** Makes everything up to the end durable (write and fdatasync). Returns the end. */
  sync(): Promise<number>;
  /**
   * End of what is durable, after making durable what is written if it does not reach `wanted` yet. One sync covers all
   * that was written before it, so most calls of a busy log need none.
   */
  durableEnd(wanted: number): Promise<number>;
  /** Whole lines from `from` on, at most `limitBytes` (one line at least). Empty at the end. */
  read(from: number, limitBytes: number): Promise<Buffer>;
  /** Called after each write. */
  onWritten(listener: () => void): void;
  /** Writes what is accepted and closes the file. Idempotent. */
  close(): Promise<void>;
  /** Closes the file at once; what is not written is given up. */
  abandon(): Promise<void>;
}

export interface SpoolOptions {
  readonly path: string;
  readonly clock: RunnerClock;
  readonly bufferBytes: number;
  readonly limitBytes: number;
  readonly retryMs: number;
  /** Sees every line that an earlier process wrote, in order. */
  readonly onFound?: (line: RunnerLogLine) => void;
  /** Replaces the write to the file in tests of a full disk. */
  readonly write?: (file: FileHandle, bytes: Buffer, position: number) => Promise<number>;
}

const NEWLINE = 0x0a;

const writeToFile = async (file: FileHandle, bytes: Buffer, position: number): Promise<number> =>
  (await file.write(bytes, 0, bytes.length, position)).bytesWritten;

/** Opens the spool, cutting a torn end off. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { clock } = options;
  const write = options.write ?? writeToFile;
  const file = await open(options.path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const scanned = await scanSpool(file, options.onFound ?? (() => undefined));
  await file.truncate(scanned.end);

  let { end: written, chain, lastCursor } = scanned;
  let accepted = written;
  /** Nothing is known of what an earlier process wrote. */
  let durable = 0;
  let pending: Buffer[] = [];
  let dropped = 0;
  let blocked: string | null = null;
  let writing: Promise<void> | null = null;
  let isClosed = false;
  let waiters: (() => void)[] = [];
  let listener: () => void = () => undefined;

  const wake = (): void => {
    const due = waiters;
    waiters = [];
    for (const resolve of due) resolve();
  };
  const nextWrite = (): Promise<void> => new Promise((resolve) => waiters.push(resolve));
  const pause = (): Promise<void> => new Promise((resolve) => clock.setTimer(options.retryMs, resolve));

  async function writeLoop(): Promise<void> {
    while (pending.length > 0 && !isClosed) {
      const bytes = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending);
      pending = [];
      // A position of our own: after a short or failed write the same bytes go to the same place again.
      let done = 0;
      while (done < bytes.length && !isClosed) {
        try {
          done += await write(file, done === 0 ? bytes : bytes.subarray(done), written + done);
          blocked = null;
        } catch (error) {
          blocked = `the log cannot be written to disk: ${(error as Error).message}`;
          await pause();
        }
      }
      if (done === bytes.length) written += done;
      wake();
      listener();
    }
  }

  function startWriting(): void {
    writing ??= writeLoop().finally(() => {
      writing = null;
      wake();
    });
  }

  function accept(line: RunnerLogLine): void {
    const bytes = bytesFromLine(line);
    chain = chainBehind(chain, bytes);
    accepted += bytes.length;
    lastCursor = cursorOfLine(line) ?? lastCursor;
    pending.push(bytes);
    startWriting();
  }

  async function flush(): Promise<void> {
    const target = accepted;
    while (written < target && !isClosed) await nextWrite();
  }

  async function syncWritten(): Promise<number> {
    const end = written;
    if (end > durable && !isClosed) {
      await file.datasync();
      durable = Math.max(durable, end);
    }
    return end;
  }

  return {
    async append(line) {
      while (accepted - written > options.bufferBytes && !isClosed) await nextWrite();
      if (isClosed) return;
      if (line.k === 'log' && accepted > options.limitBytes) {
        if (dropped === 0) {
          const text = `[runner] The log is longer than ${options.limitBytes} bytes; what follows is not kept.\n`;
          accept({ k: 'log', s: 'system', t: text, at: clock.now().toISOString() });
        }
        dropped += Buffer.byteLength(line.t);
        return;
      }
      accept(line);
    },
    writtenEnd: () => written,
    end: () => accepted,
    chain: () => chain,
    lastCursor: () => lastCursor,
    droppedBytes: () => dropped,
    blockedReason: () => blocked,
    flush,
    async sync() {
      await flush();
      return syncWritten();
    },
    durableEnd: async (wanted) => (durable >= wanted ? durable : syncWritten()),
    async read(from, limitBytes) {
      const block = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(0, written - from)));
      const { bytesRead } = block.length === 0 ? { bytesRead: 0 } : await file.read(block, 0, block.length, from);
      return block.subarray(0, block.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1);
    },
    onWritten(next) {
      listener = next;
    },
    async close() {
      if (isClosed) return;
      await flush();
      isClosed = true;
      await file.close();
    },
    async abandon() {
      if (isClosed) return;
      isClosed = true;
      wake();
      await writing;
      await file.close();
    },
  };
}
