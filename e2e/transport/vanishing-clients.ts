import { connect } from 'node:net';

/** Where a client goes away during a WebSocket upgrade. */
export const vanishingPoints = [
  'before the request line ends',
  'after the headers',
  'with a reset after the headers',
  'during the rejection of a foreign origin',
  'during the rejection of a missing company',
  'right after 101',
  'in the middle of a frame',
  'with a reset in the middle of a frame',
] as const;
export type VanishingPoint = (typeof vanishingPoints)[number];

export interface VanishingClient {
  readonly port: number;
  readonly companyId: string;
  readonly point: VanishingPoint;
  /** 0 ≤ x < 1: how far it gets at its point. */
  readonly progress: number;
}

/** One client that vanishes. Resolves when its socket is gone; what the server thinks of it is the server's matter. */
export function vanish(client: VanishingClient): Promise<void> {
  const { port, companyId, point, progress } = client;
  const isForeign = point === 'during the rejection of a foreign origin';
  const company = point === 'during the rejection of a missing company' ? '00000000-0000-4000-8000-000000000000' : companyId;
  const requestLine = `GET /api/companies/${company}/events/ws HTTP/1.1\r\n`;
  const headers = [
    `host: 127.0.0.1:${port}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(isForeign ? ['origin: http://evil.example'] : []),
  ].join('\r\n');
  const request = `${requestLine}${headers}\r\n\r\n`;
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const leave = (): void => {
      socket.destroy();
    };
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    // A server that says nothing must not hold the test up; what counts is that it lives afterwards.
    socket.setTimeout(20_000, leave);
    socket.on('connect', () => {
      switch (point) {
        case 'before the request line ends':
          socket.write(requestLine.slice(0, Math.ceil(progress * requestLine.length)), leave);
          return;
        case 'after the headers':
          socket.write(request, leave);
          return;
        case 'with a reset after the headers':
          socket.write(request, () => socket.resetAndDestroy());
          return;
        case 'during the rejection of a foreign origin':
        case 'during the rejection of a missing company':
          // Some are gone before the rejection is written, some while it is, some have read a part of it.
          socket.write(request, () => {
            if (progress < 0.4) socket.resetAndDestroy();
            else if (progress < 0.7) setImmediate(() => socket.resetAndDestroy());
            else socket.once('data', () => socket.resetAndDestroy());
          });
          return;
        case 'right after 101':
          socket.write(request);
          socket.once('data', () => (progress < 0.5 ? leave() : socket.resetAndDestroy()));
          return;
        case 'in the middle of a frame':
        case 'with a reset in the middle of a frame':
          socket.write(request);
          socket.once('data', () => {
            // A masked text frame that says it has 100 bytes, and has fewer.
            const frame = Buffer.concat([Buffer.from([0x81, 0xe4, 1, 2, 3, 4]), Buffer.alloc(Math.floor(progress * 99), 0x61)]);
            socket.write(frame, () => (point.startsWith('with') ? socket.resetAndDestroy() : leave()));
          });
          return;
      }
    });
  });
}
