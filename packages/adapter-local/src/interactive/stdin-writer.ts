import { closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { SessionWriteV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';

/**
 * The host's end of a worker's stdin. `open` → `broken` (nobody reads, or a write took too long) or → `closed`. There is
 * no way back: a worker whose stdin broke is to be ended.
 */
export interface StdinWriter {
  /** One line, without its line end. Lines are written in the order of the calls. Never rejects. */
  write(line: string): Promise<SessionWriteV1>;
  /** Lets go of this end; the command's stdin ends only when the capsule's holder lets go, too. */
  close(): void;
}

export interface StdinWriterOptions {
  /** How long the worker may take to read what is written to it. Default 10,000. */
  readonly deadlineMs?: number;
}

/** Writes up to this size come whole or not at all. POSIX grants 512 bytes, Linux 4,096. */
const atomicBytes = 512;

/**
 * Opens the FIFO for writing, without waiting for a reader: that nobody has it open for reading is known at once
 * (`ENXIO`), and every write fails from then on.
 */
export function openStdinWriter(folder: RunFolder, options: StdinWriterOptions = {}): StdinWriter {
  const deadlineMs = options.deadlineMs ?? 10_000;
  let failure: Exclude<SessionWriteV1, { written: true }> | null = null;
  let socket: Socket | null = null;

  const fail = (reason: 'stdin_broken' | 'write_timeout', message: string): Exclude<SessionWriteV1, { written: true }> => {
    failure ??= { written: false, reason, message };
    socket?.destroy();
    return failure;
  };
  try {
    socket = new Socket({
      fd: openSync(folder.stdin, constants.O_WRONLY | constants.O_NONBLOCK),
      readable: false,
      writable: true,
    });
    // Each failed write tells its caller; the stream's own event must only not end the process.
    socket.on('error', (error) => fail('stdin_broken', brokenMessage(error)));
    // A host that was killed in the middle of a message left the beginning of it in the pipe.
    if (existsSync(folder.partial)) {
      socket.write('\n');
      rmSync(folder.partial, { force: true });
    }
  } catch (error) {
    fail('stdin_broken', brokenMessage(error as NodeJS.ErrnoException));
  }

  const send = (open: Socket, line: string): Promise<SessionWriteV1> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(fail('write_timeout', `The worker did not read its stdin for ${deadlineMs} ms.`));
      }, deadlineMs);
      open.write(`${line}\n`, (error) => {
        clearTimeout(timer);
        resolve(error ? (failure ?? fail('stdin_broken', brokenMessage(error))) : { written: true });
      });
    });

  let largeWrites = 0;
  const sendLarge = async (open: Socket, line: string): Promise<SessionWriteV1> => {
    largeWrites += 1;
    if (largeWrites === 1) writeFileSync(folder.partial, '');
    const written = await send(open, line);
    largeWrites -= 1;
    if (written.written && largeWrites === 0) rmSync(folder.partial, { force: true });
    return written;
  };

  return {
    async write(line) {
      if (failure !== null || socket === null) return failure ?? fail('stdin_broken', 'The worker’s stdin was closed.');
      return Buffer.byteLength(line) < atomicBytes ? await send(socket, line) : await sendLarge(socket, line);
    },
    close() {
      fail('stdin_broken', 'The worker’s stdin was closed.');
    },
  };
}

function brokenMessage(error: NodeJS.ErrnoException): string {
  return `The worker does not read its stdin (${error.code ?? error.message}): it has ended, or closed it.`;
}

/** Ends the worker's stdin: the holder of the capsule lets go. False = nobody listens: it already has, or is not up yet. */
export function closeWorkerStdin(folder: RunFolder): boolean {
  try {
    closeSync(openSync(folder.close, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENXIO' && code !== 'ENOENT') throw error;
    return false;
  }
}
