import type { Writable } from 'node:stream';

/** How often the server's own output could not be written. */
export interface OutputLosses {
  /** Lines and pieces that nobody read. */
  readonly count: () => number;
}

/**
 * Whoever started the server may close the other end of its stdout or stderr at any time (`serve | head -1`, a desktop
 * app that exits before us). Writing there then fails with `EPIPE`, as an `error` event that ends the process when nobody
 * listens. Call once, at the start of the program, for `process.stdout` and `process.stderr`.
 *
 * Every error is absorbed, not only `EPIPE`: a full disk under a redirected log (`ENOSPC`) or a terminal that hung up
 * (`EIO`) is no reason to end runs either, and there is no output left to tell it on. Losses are counted.
 */
export function absorbOutputErrors(streams: readonly Writable[]): OutputLosses {
  let count = 0;
  for (const stream of streams) {
    stream.on('error', () => {
      count += 1;
    });
  }
  return { count: () => count };
}
