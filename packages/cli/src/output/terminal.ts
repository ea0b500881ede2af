import type { Writable } from 'node:stream';

/** Where a command writes. Tests give their own; nobody else writes to the process's streams. */
export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whether a person reads: colours, spinners and redrawn tables only then. */
  readonly isInteractive: boolean;
  readonly hasColor: boolean;
  readonly columns: number;
  /**
   * From now on nothing that becomes of the streams ends this process: a server goes on when whoever started it reads no
   * more. Absent = the streams are not the process's own.
   */
  outliveReader?(): void;
}

/**
 * The real terminal. A reader that closes our stdout (`runbeat runs list | head -1`) ends the command quietly: what
 * nobody reads need not be made.
 */
export function processTerminal(onReaderGone: () => void): Terminal {
  let isOutliving = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isOutliving) return;
      if (error.code !== 'EPIPE') throw error;
      onReaderGone();
    });
  }
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    isInteractive: Boolean(process.stdout.isTTY && process.stderr.isTTY),
    hasColor: Boolean(process.stdout.isTTY) && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb',
    columns: process.stdout.columns ?? 80,
    outliveReader() {
      isOutliving = true;
    },
  };
}

/** Writes and waits until the stream took it, so that a slow reader slows us instead of filling our memory. */
export async function writeText(stream: Writable, text: string): Promise<void> {
  if (stream.destroyed || stream.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
