import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { liveSubprotocol, type Problem, problemContentType } from '@runbeat/protocol';
import { WebSocketServer } from 'ws';
import type { CompanyId } from '../supervisor/model/index.js';
import type { Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import { type ClientMessageHandler, messageLimitBytes } from './client-messages.js';
import { absorbSocketErrors } from './gone-peer-errors.js';
import type { LiveConnection } from './live-connection.js';
import type { AccessTicket, LiveHub } from './live-hub.js';
import { bindWebSocket, createWebSocketTransport } from './websocket-transport.js';

/** What an upgrade request may become. */
export type UpgradeVerdict =
  | {
      readonly ok: true;
      readonly companyId: CompanyId;
      /** Null = from now on. */
      readonly after: number | null;
      /** False = the client only subscribes to runs and sessions. */
      readonly wantsEvents: boolean;
      readonly ticket: AccessTicket;
    }
  | { readonly ok: false; readonly problem: Problem; readonly headers: Readonly<Record<string, string>> };

export interface WebSocketUpgradesContext {
  readonly hub: LiveHub;
  /** Origin, path, token, company. Never rejects for what the client sent. */
  readonly judge: (request: IncomingMessage) => Promise<UpgradeVerdict>;
  readonly messages: (connection: LiveConnection, companyId: CompanyId) => ClientMessageHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Turns upgrade requests into live connections. */
export interface WebSocketUpgrades {
  /** For the server's `upgrade` event. Synchronous up to the socket's `error` listener. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Destroys sockets whose upgrade is still being judged or rejected. */
  close(): void;
}

/** A client that does not read its rejection is not waited for. */
const rejectionLimitMs = 5_000;

export function createWebSocketUpgrades(context: WebSocketUpgradesContext): WebSocketUpgrades {
  const { hub, logger, metrics, clock } = context;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Measured: 19 times slower with it.
    perMessageDeflate: false,
    maxPayload: messageLimitBytes,
    // The token's subprotocol is never selected: it would be echoed in the answer.
    handleProtocols: (protocols) => (protocols.has(liveSubprotocol) ? liveSubprotocol : false),
  });
  /** Sockets that are neither a WebSocket yet nor gone. */
  const undecided = new Set<Duplex>();

  const reject = (socket: Duplex, verdict: Extract<UpgradeVerdict, { ok: false }>): void => {
    metrics.count('websocket_upgrades_total', { result: 'rejected' });
    if (socket.destroyed) return;
    const cancel = clock.setTimer(rejectionLimitMs, () => socket.destroy());
    socket.once('close', cancel);
    socket.end(rejectionText(verdict.problem, verdict.headers), () => socket.destroy());
  };
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const verdict = await context.judge(request);
    if (!verdict.ok) {
      reject(socket, verdict);
      return;
    }
    if (socket.destroyed || !socket.writable) {
      metrics.count('websocket_upgrades_total', { result: 'gone' });
      socket.destroy();
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      undecided.delete(socket);
      metrics.count('websocket_upgrades_total', { result: 'accepted' });
      const connection = hub.connect(createWebSocketTransport(webSocket), verdict.ticket);
      bindWebSocket(webSocket, connection);
      const messages = context.messages(connection, verdict.companyId);
      webSocket.on('message', (data, isBinary) => messages.receive(data, isBinary));
      if (!verdict.wantsEvents) {
        hub.greet(connection, verdict.after ?? 0);
        return;
      }
      hub.followEvents(connection, verdict.companyId, verdict.after).catch((error: unknown) => {
        logger.warn({ err: error, companyId: verdict.companyId }, 'Live events could not be followed');
        connection.close(1011, 'events cannot be read now; reconnect', 'server');
      });
    });
  };

  return {
    handle(request, socket, head) {
      // Node took its own listeners off before it gave the socket to us: until this line an error would end the process.
      absorbSocketErrors(socket, (error) => logger.warn({ err: error }, 'A socket failed during an upgrade'));
      undecided.add(socket);
      socket.once('close', () => undecided.delete(socket));
      upgrade(request, socket, head).catch((error: unknown) => {
        logger.error({ err: error }, 'An upgrade could not be judged');
        socket.destroy();
      });
    },
    close() {
      for (const socket of undecided) socket.destroy();
      server.close();
    },
  };
}

function rejectionText(problem: Problem, headers: Readonly<Record<string, string>>): string {
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'connection: close',
    `content-type: ${problemContentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
