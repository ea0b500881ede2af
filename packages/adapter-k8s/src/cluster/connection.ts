import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Timings } from '../timings.js';
import { apiErrorFromAnswer, createApiError, isStatus, type KubernetesApiError } from './api-error.js';
import { type ClusterSource, type Credentials, loadCredentials } from './credentials.js';

export interface CallOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Ask on a connection of its own: a stale proxy or a half-dead connection must not be the only witness. */
  readonly isFresh?: boolean;
}

export interface StreamOptions {
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Without a byte for this long the stream fails with kind `timeout`. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** Called at each chunk, before it is handed on and after it was dealt with. */
  readonly onBytes?: () => void;
}

/** The body of a watch or a log. Iterating throws a KubernetesApiError unless the body ended with its last chunk. */
export interface ApiStream extends AsyncIterable<Buffer> {
  readonly status: number;
  close(): void;
}

/**
 * One cluster as one user: a keep-alive connection for calls, an agent for streams, credentials that are read again
 * after a 401. Errors are KubernetesApiErrors; nothing here retries except for 401.
 */
export interface ClusterConnection {
  readonly source: ClusterSource;
  /** Namespace of the context, `default` when it names none. */
  defaultNamespace(): Promise<string>;
  credentials(): Promise<Credentials>;
  /** The parsed body of a 2xx answer. */
  call<Answer>(options: CallOptions): Promise<Answer>;
  /** Resolves when the headers are there; other answers than 2xx reject. */
  stream(options: StreamOptions): Promise<ApiStream>;
}

/** Probing starts after 15 s of silence, so that a dead peer is found before a load balancer forgets the connection. */
const tcpKeepAliveMs = 15_000;
const credentialTries = 3;
const errorBodyLimitBytes = 65_536;

interface Live {
  readonly credentials: Credentials;
  readonly callAgent: Agent;
  readonly streamAgent: Agent;
}

export function createClusterConnection(source: ClusterSource, timings: Timings): ClusterConnection {
  let live: Promise<Live> | null = null;

  function current(): Promise<Live> {
    live ??= connect().catch((error: unknown) => {
      live = null;
      throw error;
    });
    return live;
  }

  async function connect(): Promise<Live> {
    const credentials = await loadCredentials(source);
    const options = { ...credentials.tls, keepAlive: true, keepAliveMsecs: tcpKeepAliveMs };
    return {
      credentials,
      // One connection for all calls: 200 runs must not make 200 handshakes.
      callAgent: credentials.proxyAgent ?? new Agent({ ...options, maxSockets: 1, maxFreeSockets: 1 }),
      streamAgent: credentials.proxyAgent ?? new Agent(options),
    };
  }

  /** Runs `attempt`; after a 401 the credentials are read anew, since tokens rotate under a long-lived server. */
  async function withCredentials<T>(attempt: (live: Live) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const used = await current();
      try {
        return await attempt(used);
      } catch (error) {
        if (!isStatus(error, 401) || tries >= credentialTries) throw error;
        if (live !== null && (await live) === used) live = null;
      }
    }
  }

  return {
    source,
    async defaultNamespace() {
      return (await current()).credentials.namespace ?? 'default';
    },
    async credentials() {
      return (await current()).credentials;
    },
    call: <Answer>(options: CallOptions) =>
      withCredentials(async (used) => {
        const agent = options.isFresh ? freshAgent(used) : used.callAgent;
        try {
          return (await callOnce(used, agent, options, timings)) as Answer;
        } finally {
          if (options.isFresh && agent !== used.callAgent) agent.destroy();
        }
      }),
    stream: (options) => withCredentials((used) => openStream(used, options, timings)),
  };
}

function freshAgent(live: Live): Agent {
  return live.credentials.proxyAgent ?? new Agent({ ...live.credentials.tls, keepAlive: false });
}

function send(
  live: Live,
  agent: Agent,
  options: { method: string; path: string; headers: Record<string, string> },
): ClientRequest {
  const { server, headers } = live.credentials;
  const path = `${server.pathname.replace(/\/$/, '')}${options.path}`;
  const target = { host: server.hostname, port: server.port || undefined, method: options.method, path };
  const all = { 'User-Agent': 'runbeat-adapter-k8s', ...headers, ...options.headers };
  const request =
    server.protocol === 'http:'
      ? httpRequest({ ...target, headers: all })
      : httpsRequest({ ...target, headers: all, agent, ...live.credentials.tls });
  request.on('socket', (socket) => socket.setKeepAlive(true, tcpKeepAliveMs));
  return request;
}

function pathWithQuery(path: string, query: CallOptions['query'] = {}): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return path;
  return `${path}?${new URLSearchParams(entries.map(([key, value]): [string, string] => [key, String(value)]))}`;
}

function callOnce(live: Live, agent: Agent, options: CallOptions, timings: Timings): Promise<unknown> {
  const { method, query, body, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(method, options.path));
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (payload) {
      headers['Content-Type'] = options.contentType ?? 'application/json';
      headers['Content-Length'] = String(payload.length);
    }
    const request = send(live, agent, { method, path: pathWithQuery(options.path, query), headers });
    const fail = (error: KubernetesApiError): void => {
      settle();
      request.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(timedOut(`${method} ${options.path}`, timings.callMs)), timings.callMs);
    const onAbort = (): void => fail(aborted(method, options.path));
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => fail(networkError(`${method} ${options.path}`, error)));
    request.on('response', (response) => {
      readAll(response).then(
        (text) => {
          settle();
          const status = response.statusCode ?? 0;
          if (status < 200 || status > 299) return reject(apiErrorFromAnswer(status, text, response.headers['retry-after']));
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            const message = `${method} ${options.path}: the answer is no JSON: ${text.slice(0, 100)}`;
            reject(createApiError({ kind: 'network', message, cause: error }));
          }
        },
        (error: unknown) => fail(networkError(`${method} ${options.path}`, error)),
      );
    });
    request.end(payload ?? undefined);
  });
}

async function readAll(response: IncomingMessage, limit = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function openStream(live: Live, options: StreamOptions, timings: Timings): Promise<ApiStream> {
  const { path, query, signal, idleMs } = options;
  const what = `GET ${path}`;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted('GET', path));
    const request = send(live, live.streamAgent, {
      method: 'GET',
      path: pathWithQuery(path, query),
      headers: { Accept: 'application/json, */*' },
    });
    let failure: KubernetesApiError | null = null;
    let timer = setTimeout(() => fail(timedOut(what, timings.streamHeaderMs)), timings.streamHeaderMs);
    const onAbort = (): void => fail(aborted('GET', path));
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    function fail(error: KubernetesApiError): void {
      failure ??= error;
      settle();
      request.destroy();
      reject(failure);
    }
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => fail(networkError(what, error)));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        readAll(response, errorBodyLimitBytes).then(
          (text) => {
            settle();
            reject(apiErrorFromAnswer(status, text, response.headers['retry-after']));
          },
          (error: unknown) => fail(networkError(what, error)),
        );
        return;
      }
      const restartIdle = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => fail(timedOut(what, idleMs)), idleMs);
      };
      restartIdle();
      resolve({
        status,
        close() {
          settle();
          request.destroy();
        },
        async *[Symbol.asyncIterator]() {
          try {
            for await (const chunk of response as AsyncIterable<Buffer>) {
              // While the consumer is busy, silence is ours.
              clearTimeout(timer);
              options.onBytes?.();
              yield chunk;
              options.onBytes?.();
              restartIdle();
            }
          } catch (error) {
            throw failure ?? networkError(what, error);
          } finally {
            settle();
            if (!response.complete) request.destroy();
          }
          // A FIN before the last chunk reads like an end on some Node versions.
          if (!response.complete) throw failure ?? networkError(what, new Error('the connection ended before the last chunk'));
        },
      });
    });
    request.end();
  });
}

function networkError(what: string, error: unknown): KubernetesApiError {
  const text = error instanceof Error ? `${error.message}${errorCode(error)}` : String(error);
  return createApiError({ kind: 'network', message: `${what}: ${text}`, cause: error });
}

function errorCode(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? '' : ` (${code})`;
}

function timedOut(what: string, ms: number): KubernetesApiError {
  return createApiError({ kind: 'timeout', message: `${what}: no answer within ${ms} ms` });
}

function aborted(method: string, path: string): KubernetesApiError {
  return createApiError({ kind: 'aborted', message: `${method} ${path}: given up` });
}
