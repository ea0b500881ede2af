import { fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import pino from 'pino';

/** Where log lines go. Nothing here throws, waits for a reader, or ends the process. */
export interface LogDestination {
  write(line: string): void;
  readonly lostLines: () => number;
  /** Writes what waits, where that cannot block. */
  flush(): void;
}

/** What may wait for a reader that has stopped reading, before lines are dropped. */
const waitingLimitBytes = 1_048_576;

/** @param descriptor 1 = stdout, 2 = stderr. */
export function createLogDestination(descriptor: 1 | 2): LogDestination {
  const stats = fstatSync(descriptor);
  if (stats.isFIFO() || stats.isSocket()) return pipeDestination(descriptor === 1 ? process.stdout : process.stderr);
  return fileDestination(descriptor);
}

/**
 * A pipe is written to by the event loop, which does not wait for its reader; a write of the thread pool or a synchronous
 * one would, and a reader that stops reading (`serve | less`) would stop the server, or keep it from ending. It must be
 * the process's own stream: the loop knows each descriptor once.
 */
export function pipeDestination(stream: Writable): LogDestination {
  let lost = 0;
  let isBroken = false;
  stream.on('error', () => {
    // `EPIPE`: nobody will ever read from this pipe again.
    isBroken = true;
    lost += 1;
  });
  return {
    write(line) {
      if (isBroken || stream.destroyed || stream.writableLength > waitingLimitBytes) lost += 1;
      else stream.write(line);
    },
    lostLines: () => lost,
    flush: () => undefined,
  };
}

/** Files and terminals. A full disk loses lines and no more; the next line is tried again. */
function fileDestination(descriptor: number): LogDestination {
  let lost = 0;
  const file = pino.destination({ fd: descriptor, sync: true });
  file.on('error', () => {
    lost += 1;
  });
  return {
    write: (line) => void file.write(line),
    lostLines: () => lost,
    flush() {
      try {
        file.flushSync();
      } catch {
        // The disk is full or the terminal has gone; there is nowhere left to tell it.
        lost += 1;
      }
    },
  };
}
