import pino, { type Logger as PinoLogger } from 'pino';
import { createLogDestination } from './log-destination.js';

export interface ServerLogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** 1 = stdout, 2 = stderr. */
  readonly descriptor: 1 | 2;
}

export interface ServerLog {
  readonly logger: PinoLogger;
  /** Lines that could not be written, because the reader has gone, does not read, or the disk is full. */
  readonly lostLines: () => number;
  /** Writes what waits, as far as that cannot block. Called at the end of the process. Never throws. */
  flush(): void;
}

/** The server's log as NDJSON. What nobody takes is dropped and counted; the server goes on. */
export function createServerLog(options: ServerLogOptions): ServerLog {
  const destination = createLogDestination(options.descriptor);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redactedPaths, censor: '***' },
    },
    { write: destination.write },
  );
  return { logger, lostLines: destination.lostLines, flush: destination.flush };
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
