import type { ServerResponse } from 'node:http';
import { absorbSocketErrors, isGonePeerError } from './gone-peer-errors.js';
import type { LiveTransport } from './live-connection.js';

/** A response that stays open as a live transport. Writes the head; the caller has answered nothing yet. */
export function createSseTransport(response: ServerResponse, onUnexpectedError: (error: Error) => void): LiveTransport {
  absorbSocketErrors(response, onUnexpectedError);
  // A peer that vanished without a word is found by the kernel; an SSE client cannot answer pings.
  response.socket?.setKeepAlive(true, 30_000);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'keep-alive',
  });
  // Some proxies and browsers deliver the head only with the first bytes of the body.
  response.write(': runbeat\n\n');
  return {
    kind: 'sse',
    write(frame, written) {
      response.write(frame.sse(), (error) => {
        if (error && !isGonePeerError(error)) onUnexpectedError(error);
        written();
      });
    },
    hasPongs: false,
    // The ping message itself is the sign of life; a comment would be a second one.
    ping: () => undefined,
    close: () => response.end(),
    terminate: () => response.destroy(),
  };
}
