import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatedUser } from './access.js';
import type { Cluster } from './cluster.js';
import type { Kubelet } from './kubelet.js';

/** One request after authentication and routing. */
export interface ApiRequest {
  readonly cluster: Cluster;
  readonly kubelet: Kubelet;
  readonly user: SimulatedUser;
  readonly method: string;
  readonly query: URLSearchParams;
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  readonly namespace: string | null;
  readonly name: string | undefined;
  readonly bodyText: string;
}

/** Kubernetes escapes `<`, `>` and `&` as Go's encoder does, and ends JSON with a newline. */
export function encodeJson(value: unknown): Buffer {
  const text = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return Buffer.from(`${text}\n`);
}

/** Up to about 2 KB come with Content-Length, larger bodies chunked (test/golden/01a). */
const CHUNKED_FROM_BYTES = 2048;

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = encodeJson(value);
  response.writeHead(status, {
    'Cache-Control': 'no-cache, private',
    'Content-Type': 'application/json',
    ...headers,
    ...(body.length < CHUNKED_FROM_BYTES ? { 'Content-Length': String(body.length) } : {}),
  });
  response.end(body);
}
