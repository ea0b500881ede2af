import {
  type ClientMessage,
  liveCloseCodes,
  liveSubprotocol,
  liveTokenSubprotocolPrefix,
  type ServerMessage,
} from '@runbeat/protocol';
import { RunbeatApiError } from '../api-error.js';
import type { Requester, RequestInput } from '../request.js';
import { type LiveLink, watchSilence } from './live-link.js';

/** What is used of a WebSocket: a browser's, Node's (22 and newer), or that of the package `ws`. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/**
 * Messages that may wait for a consumer that works on earlier ones. A WebSocket of a browser cannot be told to wait, so
 * that beyond this the link is ended; the caller resumes where its consumer got to.
 */
const waitingLimit = 2_000;

/** A link over a WebSocket. @param first sent once it is open. */
export function createWebSocketLink(
  requester: Requester,
  request: Pick<RequestInput, 'path' | 'query'>,
  options: { readonly webSocket: WebSocketClass; readonly silenceLimitMs: number; readonly first?: ClientMessage },
): LiveLink {
  return async function* link(signal) {
    const url = requester.urlOf(request.path, request.query);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const protocols = [liveSubprotocol];
    if (requester.token !== null) protocols.push(`${liveTokenSubprotocolPrefix}${requester.token}`);
    const socket = new options.webSocket(url.href, protocols);

    const waiting: ServerMessage[] = [];
    let wake: () => void = () => undefined;
    let isEnded = false;
    let failure: RunbeatApiError | null = null;
    const end = (): void => {
      isEnded = true;
      wake();
    };
    const watch = watchSilence(end, options.silenceLimitMs);
    signal.addEventListener('abort', end);
    socket.addEventListener('open', () => {
      watch.alive();
      if (options.first) socket.send(JSON.stringify(options.first));
    });
    socket.addEventListener('message', ({ data }) => {
      if (isEnded) return;
      watch.alive();
      waiting.push(JSON.parse(String(data)) as ServerMessage);
      if (waiting.length > waitingLimit) {
        isEnded = true;
        socket.close();
      }
      wake();
    });
    // `close` follows and says more; without a listener the package `ws` would throw.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => {
      if (code === liveCloseCodes.accessEnded) {
        failure = new RunbeatApiError({ code: 'token_refused', status: 401, message: `The connection was ended: ${reason}.` });
      }
      end();
    });
    try {
      while (!signal.aborted) {
        const message = waiting.shift();
        if (message) {
          yield message;
        } else if (failure) {
          throw failure;
        } else if (isEnded) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      watch.stop();
      signal.removeEventListener('abort', end);
      socket.close();
    }
  };
}
