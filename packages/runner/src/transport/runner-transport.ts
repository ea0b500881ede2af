import { problemSchema } from '@runbeat/protocol';
import { Agent, type Dispatcher, request as send } from 'undici';
import type { z } from 'zod';

/** What came of a request. Nothing is thrown: who asks decides by the kind. */
export type TransportAnswer<Body> =
  | { readonly kind: 'ok'; readonly status: number; readonly body: Body }
  /** Our server refused, with a code. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }
  /** No answer of our server: overdue, broken, 5xx, 429, somebody's HTML. Trying again may help. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryAfterMs: number | null }
  /** Given up by us, because the connection was declared lost meanwhile. */
  | { readonly kind: 'aborted' };

export interface TransportRequest<Schemas extends Readonly<Record<number, z.ZodType>>> {
  readonly method: 'POST' | 'PATCH';
  /** Below the server's URL. */
  readonly path: string;
  /** Empty = none is sent. */
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or bytes with a content type in `headers`. */
  readonly body: object | Uint8Array;
  /** What each expected status carries. */
  readonly answers: Schemas;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** One request, one deadline, no retry: retries belong to the connection and to the jobs. */
export interface RunnerTransport {
  request<Schemas extends Readonly<Record<number, z.ZodType>>>(
    request: TransportRequest<Schemas>,
  ): Promise<TransportAnswer<z.infer<Schemas[keyof Schemas & number]>>>;
  /** Forget all sockets: a connection that hangs must not be used again. Does not wait for their end. */
  reset(): void;
  close(): Promise<void>;
}

/** Answers above this are not ours. */
const ANSWER_LIMIT_BYTES = 16 * 1_048_576;
const RETRY_AFTER_LIMIT_MS = 300_000;

export function createRunnerTransport(options: {
  readonly serverUrl: string;
  readonly connectTimeoutMs: number;
}): RunnerTransport {
  const base = options.serverUrl.replace(/\/+$/, '');
  const newAgent = (): Agent =>
    new Agent({
      // Our own deadlines bound every request; undici's would fire at other times and look like other faults.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 10_000 },
      allowH2: false,
      pipelining: 1,
    });
  let agent = newAgent();
  const ending = new Set<Promise<void>>();

  const retire = (old: Agent): void => {
    const end = old.destroy().catch(() => undefined);
    ending.add(end);
    void end.finally(() => ending.delete(end));
  };

  return {
    async request(request) {
      const deadline = AbortSignal.timeout(request.deadlineMs);
      const isBytes = request.body instanceof Uint8Array;
      try {
        // Not `fetch`: it copies a body of bytes several times, which is what a flood of output consists of.
        const response = await send(`${base}${request.path}`, {
          method: request.method,
          headers: {
            ...(request.token === '' ? {} : { authorization: `Bearer ${request.token}` }),
            accept: 'application/json',
            ...(isBytes ? {} : { 'content-type': 'application/json' }),
            ...request.headers,
          },
          body: isBytes ? (request.body as Uint8Array) : JSON.stringify(request.body),
          signal: AbortSignal.any([request.signal, deadline]),
          dispatcher: agent,
        });
        const text = await textOf(response.body);
        const retryAfter = response.headers['retry-after'];
        return judge(request, response.statusCode, typeof retryAfter === 'string' ? retryAfter : null, text);
      } catch (error) {
        if (request.signal.aborted) return { kind: 'aborted' };
        const message = deadline.aborted ? `no answer within ${request.deadlineMs} ms` : reasonOf(error);
        return { kind: 'failed', message: `${request.method} ${request.path}: ${message}`, retryAfterMs: null };
      }
    },
    reset() {
      retire(agent);
      agent = newAgent();
    },
    async close() {
      retire(agent);
      await Promise.all(ending);
    },
  };
}

async function textOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > ANSWER_LIMIT_BYTES) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function judge<Schemas extends Readonly<Record<number, z.ZodType>>>(
  request: TransportRequest<Schemas>,
  status: number,
  retryAfter: string | null,
  text: string,
): TransportAnswer<z.infer<Schemas[keyof Schemas & number]>> {
  const raw = jsonOf(text);
  const schema = request.answers[status];
  if (schema) {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return { kind: 'ok', status, body: parsed.data as z.infer<Schemas[keyof Schemas & number]> };
  }
  const problem = problemSchema.partial().safeParse(raw);
  const code = problem.success ? problem.data.code : undefined;
  const detail = problem.success ? problem.data.detail : undefined;
  const isRefusal = status === 401 || status === 403 || status === 426 || (status >= 400 && status < 500 && code !== undefined);
  if (isRefusal && status !== 429) {
    return { kind: 'refused', status, code: code ?? `http_${status}`, message: detail ?? `the server answered ${status}` };
  }
  const what = code ?? (raw === undefined ? 'not JSON; is this a proxy?' : 'an unexpected body');
  return {
    kind: 'failed',
    message: `${request.method} ${request.path}: answered ${status} (${what})`,
    retryAfterMs: retryAfterMsFrom(retryAfter),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date; null = none or nonsense. */
export function retryAfterMsFrom(rawHeader: string | null, nowMs: number = Date.now()): number | null {
  if (rawHeader === null || rawHeader.trim() === '') return null;
  const seconds = Number(rawHeader);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(rawHeader) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, Math.min(ms, RETRY_AFTER_LIMIT_MS)) : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' ? `${code} ${cause.message}` : cause.message;
}
