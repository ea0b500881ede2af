import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SeededRandom } from './seeded-random.js';

/** What happens to one TCP connection. Bytes are counted from the server to the client. */
export type ConnectionFault =
  | { readonly kind: 'none' }
  /** Reset before a byte is exchanged. */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** FIN without the end of the body. */
  | { readonly kind: 'fin'; readonly afterBytes: number }
  /** Nothing passes any more in either direction; the connection stays open for `forMs`, then it is reset. */
  | { readonly kind: 'black-hole'; readonly afterBytes: number; readonly forMs: number }
  /** Small pieces with pauses: events and lines are split over segments. */
  | { readonly kind: 'drip'; readonly pieceBytes: number; readonly everyMs: number }
  /** The first answer comes late. */
  | { readonly kind: 'delay'; readonly ms: number };

/** Asked once per accepted connection. */
export type FaultSchedule = (connection: number) => ConnectionFault;

export const NO_FAULTS: FaultSchedule = () => ({ kind: 'none' });

/** A schedule from a seed: `rate` of the connections suffer, each in its own way. */
export function seededFaults(random: SeededRandom, options: { rate: number; maxBytes: number; holeMs: number }): FaultSchedule {
  return () => {
    if (!random.chance(options.rate)) return { kind: 'none' };
    const afterBytes = random.between(0, options.maxBytes);
    switch (random.between(0, 5)) {
      case 0:
        return { kind: 'refuse' };
      case 1:
        return { kind: 'reset', afterBytes };
      case 2:
        return { kind: 'fin', afterBytes };
      case 3:
        return { kind: 'black-hole', afterBytes, forMs: options.holeMs };
      case 4:
        return { kind: 'drip', pieceBytes: random.between(200, 2000), everyMs: 1 };
      default:
        return { kind: 'delay', ms: random.between(1, 20) };
    }
  };
}

/** A TCP proxy before the API server, on the port that clients see. TLS runs through it untouched. */
export interface FaultProxy {
  readonly port: number;
  /** Accepted so far. */
  readonly connectionCount: number;
  readonly openCount: number;
  schedule: FaultSchedule;
  /** The server is away: `refuse` resets new connections (killed), `hang` accepts and never answers (stopped). */
  setReachable(state: 'reachable' | 'refuse' | 'hang'): void;
  /** Applies a fault to every open connection now. */
  breakAll(how: 'reset' | 'fin' | 'black-hole'): void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket | null;
  isHole: boolean;
}

export async function createFaultProxy(targetPort: number): Promise<FaultProxy> {
  let schedule: FaultSchedule = NO_FAULTS;
  let reachable: 'reachable' | 'refuse' | 'hang' = 'reachable';
  let connectionCount = 0;
  const links = new Set<Link>();
  const timers = new Set<NodeJS.Timeout>();
  const server: Server = createServer((client) => accept(client));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function accept(client: Socket): void {
    connectionCount += 1;
    client.on('error', () => {});
    const fault = schedule(connectionCount);
    if (reachable === 'refuse' || fault.kind === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    if (reachable === 'hang') {
      track({ client, upstream: null, isHole: true });
      client.resume();
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    upstream.on('error', () => client.destroy());
    const link: Link = { client, upstream, isHole: false };
    track(link);
    client.on('data', (chunk) => {
      if (!link.isHole) upstream.write(chunk);
    });
    client.on('end', () => upstream.end());
    client.on('close', () => upstream.destroy());
    upstream.on('end', () => {
      if (!link.isHole) client.end();
    });
    upstream.on('close', () => {
      if (!link.isHole) client.end();
    });
    forward(link, upstream, fault);
  }

  function track(link: Link): void {
    links.add(link);
    link.client.on('close', () => links.delete(link));
  }

  function forward(link: Link, upstream: Socket, fault: ConnectionFault): void {
    const { client } = link;
    let passed = 0;
    let queue = Promise.resolve();
    const pass = (chunk: Buffer): void => {
      passed += chunk.length;
      if (client.destroyed || client.write(chunk)) return;
      upstream.pause();
      client.once('drain', () => upstream.resume());
    };
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
        }, ms);
        timers.add(timer);
      });
    upstream.on('data', (chunk: Buffer) => {
      if (link.isHole || client.destroyed) return;
      if (fault.kind === 'drip' || fault.kind === 'delay') {
        upstream.pause();
        queue = queue.then(async () => {
          if (fault.kind === 'delay') {
            if (passed === 0) await pause(fault.ms);
            pass(chunk);
          } else {
            for (let at = 0; at < chunk.length && !client.destroyed; at += fault.pieceBytes) {
              pass(chunk.subarray(at, at + fault.pieceBytes));
              await pause(fault.everyMs);
            }
          }
          upstream.resume();
        });
        return;
      }
      if ('afterBytes' in fault && passed + chunk.length > fault.afterBytes) {
        pass(chunk.subarray(0, Math.max(0, fault.afterBytes - passed)));
        breakLink(link, fault.kind === 'black-hole' ? 'black-hole' : fault.kind);
        if (fault.kind === 'black-hole') void pause(fault.forMs).then(() => client.resetAndDestroy());
        return;
      }
      pass(chunk);
    });
  }

  function breakLink(link: Link, how: 'reset' | 'fin' | 'black-hole'): void {
    if (how === 'black-hole') {
      link.isHole = true;
      return;
    }
    if (how === 'reset') link.client.resetAndDestroy();
    else link.client.end();
    link.upstream?.destroy();
  }

  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return connectionCount;
    },
    get openCount() {
      return links.size;
    },
    get schedule() {
      return schedule;
    },
    set schedule(next) {
      schedule = next;
    },
    setReachable(state) {
      reachable = state;
    },
    breakAll(how) {
      for (const link of [...links]) breakLink(link, how);
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const link of links) {
        link.client.destroy();
        link.upstream?.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
