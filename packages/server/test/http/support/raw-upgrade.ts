import { connect, type Socket } from 'node:net';

export interface UpgradeRequest {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The bytes of a WebSocket upgrade request, right in every way unless `headers` say otherwise. */
export function upgradeText({ port, path, headers = {} }: UpgradeRequest): string {
  const all: Record<string, string> = {
    host: `127.0.0.1:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Connects, sends the upgrade and resolves with the status line's code and whatever else came until the answer's end. */
export function rawUpgrade(request: UpgradeRequest): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(request.port, '127.0.0.1');
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.on('connect', () => socket.write(upgradeText(request)));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (/^HTTP\/1\.1 101[\s\S]*\r\n\r\n/.test(text)) finish();
    });
    socket.on('end', finish);
    socket.on('error', reject);
  });
}
