import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';

/** What happens to one request on its way. */
export type Fault =
  | 'none'
  /** It never reaches the server; the connection breaks. */
  | 'drop-request'
  /** It took effect; its answer never arrives and the connection breaks. */
  | 'drop-answer'
  | 'delay'
  /** It reaches the server twice; the second answer goes back. */
  | 'duplicate'
  | '500'
  | '502'
  | '503'
  | '429'
  | 'html';

export interface FaultProxy {
  readonly url: string;
  /** Asked for each request. */
  choose: (request: { readonly method: string; readonly path: string }) => Fault;
  close(): Promise<void>;
}

/** An HTTP proxy that does to requests what networks and other people's proxies do. */
export async function startFaultProxy(target: () => number): Promise<FaultProxy> {
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  const proxy: FaultProxy = {
    url: '',
    choose: () => 'none',
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The runner gave the request up.
    }
    const body = Buffer.concat(chunks);
    const fault = proxy.choose({ method: request.method ?? '', path: request.url ?? '' });
    response.on('error', () => undefined);
    switch (fault) {
      case 'drop-request':
        return void request.socket.destroy();
      case '500':
      case '502':
        return void response.writeHead(Number(fault)).end('bad');
      case '503':
      case '429':
        return void response.writeHead(Number(fault), { 'retry-after': '0.05' }).end();
      case 'html':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, 60));
        break;
      case 'duplicate':
        await forward(request, body).catch(() => null);
        break;
      case 'none':
      case 'drop-answer':
        break;
    }
    const answer = await forward(request, body).catch(() => null);
    if (answer === null || fault === 'drop-answer') return void request.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  function forward(
    request: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const upstream = httpRequest(
        { host: '127.0.0.1', port: target(), method: request.method, path: request.url, headers: request.headers, agent: false },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
          answer.on('error', reject);
        },
      );
      upstream.on('error', reject);
      const onGone = (): void => void upstream.destroy();
      request.socket.once('close', onGone);
      upstream.once('close', () => request.socket.removeListener('close', onGone));
      upstream.end(body);
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  return proxy;
}

export interface TcpGate {
  readonly url: string;
  /**
   * `open` = bytes pass. `hole` = nothing passes in either direction and nothing is closed, also for new connections:
   * a firewall that drops packets. `closed` = every connection is reset and new ones are refused.
   */
  set(mode: 'open' | 'hole' | 'closed'): void;
  close(): Promise<void>;
}

/** A TCP forwarder that can stop reading without closing. */
export async function startTcpGate(target: () => number, host = '127.0.0.1'): Promise<TcpGate> {
  let mode: 'open' | 'hole' | 'closed' = 'open';
  const pairs = new Set<{ readonly near: Socket; far: Socket | null }>();
  const server: Server = createTcpServer({ pauseOnConnect: true }, (near) => {
    near.on('error', () => undefined);
    if (mode === 'closed') return void near.resetAndDestroy();
    const pair: { near: Socket; far: Socket | null } = { near, far: null };
    pairs.add(pair);
    near.on('close', () => {
      pairs.delete(pair);
      if (mode === 'open') pair.far?.destroy();
    });
    if (mode === 'open') join(pair);
  });

  function join(pair: { readonly near: Socket; far: Socket | null }): void {
    const far = connect(target(), '127.0.0.1');
    pair.far = far;
    far.on('error', () => undefined);
    far.on('close', () => {
      // In a hole the runner must not learn that the server's side ended.
      if (mode === 'open') pair.near.destroy();
    });
    pair.near.pipe(far);
    far.pipe(pair.near);
  }

  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    set(next) {
      mode = next;
      for (const pair of [...pairs]) {
        if (next === 'hole') {
          pair.near.unpipe();
          pair.far?.unpipe();
          pair.near.pause();
          pair.far?.pause();
        } else {
          // What hung in the hole stays dead: the network is back, those connections are not.
          pair.near.resetAndDestroy();
          pair.far?.destroy();
        }
      }
    },
    async close() {
      mode = 'closed';
      for (const pair of [...pairs]) {
        pair.near.destroy();
        pair.far?.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
