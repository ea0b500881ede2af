/** What a socket reports when its peer has gone, or we ended it ourselves. None of these is anybody's mistake. */
const gonePeerCodes: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTCONN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

export function isGonePeerError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && gonePeerCodes.has(code);
}

/**
 * Gives a raw socket an `error` listener, for good. Must be called before anything is awaited or written: a socket that
 * fails without a listener ends the process. The stream is destroyed by its own error; there is nothing left to do.
 * @param onUnexpected told of errors that are not just a peer that went.
 */
export function absorbSocketErrors(
  socket: { on(event: 'error', listener: (error: Error) => void): unknown },
  onUnexpected: (error: Error) => void,
): void {
  socket.on('error', (error) => {
    if (!isGonePeerError(error)) onUnexpected(error);
  });
}
