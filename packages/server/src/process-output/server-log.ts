import pino, { type Logger as PinoLogger } from 'pino';

export interface ServerLogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** File descriptor to write to; 1 = stdout, 2 = stderr. */
  readonly descriptor: number;
}

export interface ServerLog {
  readonly logger: PinoLogger;
  /** Lines that could not be written, because the reader has gone, does not read, or the disk is full. */
  readonly lostLines: () => number;
  /** Writes what waits, as far as somebody takes it. Called at the end of the process. Never throws. */
  flush(): void;
}

/** What may wait for a reader that has stopped reading, before lines are dropped. */
const waitingLimitBytes = 1_048_576;

/**
 * The server's log as NDJSON. A pipe is written to without waiting for its reader: a stdout write of Node's own is
 * synchronous on a pipe, so that a reader that stops reading (`serve | less`) would stop the whole server. What nobody
 * takes is dropped and counted.
 */
export function createServerLog(options: ServerLogOptions): ServerLog {
  let lost = 0;
  let isBroken = false;
  const destination = pino.destination({ fd: options.descriptor, sync: false, maxLength: waitingLimitBytes });
  destination.on('drop', () => {
    lost += 1;
  });
  destination.on('error', (error: NodeJS.ErrnoException) => {
    lost += 1;
    // Nobody will ever read from this pipe again; other errors may pass (a full disk).
    if (error.code === 'EPIPE') isBroken = true;
  });
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redactedPaths, censor: '***' },
    },
    {
      write(line: string) {
        if (isBroken) lost += 1;
        else destination.write(line);
      },
    },
  );
  return {
    logger,
    lostLines: () => lost,
    flush() {
      if (isBroken) return;
      try {
        destination.flushSync();
      } catch {
        // The reader went in this very moment, or never took what waits: there is nowhere left to tell it.
        lost += 1;
      }
    },
  };
}

/** Fields that could hold a secret, wherever an object with them is logged. */
const redactedPaths = [
  '*.authorization',
  '*.adapterConfig',
  '*.environment',
  '*.token',
  'err.config.headers',
  'connectionString',
];
