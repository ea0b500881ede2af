import type { WebSocket } from 'ws';
import type { LiveConnection, LiveTransport } from './live-connection.js';

/** A WebSocket as a live transport. The socket has its `error` listener from `ws` and from the upgrade. */
export function createWebSocketTransport(socket: WebSocket): LiveTransport {
  return {
    kind: 'websocket',
    write(frame, written) {
      // An error here is that of a peer which has gone; the `close` event follows and tells everybody.
      socket.send(frame.json, { binary: false, compress: false }, () => written());
    },
    hasPongs: true,
    ping() {
      socket.ping(undefined, undefined, () => undefined);
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** Tells the connection what happens to its socket. */
export function bindWebSocket(socket: WebSocket, connection: LiveConnection): void {
  // A frame that breaks the protocol, or is too big, or a peer that went: `ws` closes the socket, `close` follows.
  socket.on('error', () => undefined);
  socket.on('pong', () => connection.alive());
  socket.on('message', () => connection.alive());
  socket.on('close', () => connection.transportClosed());
}
