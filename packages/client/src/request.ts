import { apiErrorFromResponse, RunbeatApiError } from './api-error.js';

export type Fetch = typeof globalThis.fetch;

export interface RequesterOptions {
  /** `http://127.0.0.1:4400`; a path is kept, for servers behind a proxy. */
  readonly baseUrl: string;
  /** API key or run token; absent = none is sent. */
  readonly token?: string;
  readonly fetch?: Fetch;
  /** A call that has not been answered whole after this long is given up. */
  readonly timeoutMs?: number;
}

/** What every call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A creating call that is sent again with the same key is done once. */
export interface CreateOptions extends CallOptions {
  readonly idempotencyKey?: string;
}

export interface RequestInput extends CreateOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** A status that is an answer too, though no success. */
  readonly acceptStatus?: number;
}

/** Makes calls. One try each: whoever calls knows whether another one makes sense. */
export interface Requester {
  /** The answer's JSON; undefined where there is none. Rejects with a `RunbeatApiError`. */
  json<Answer>(input: RequestInput): Promise<Answer>;
  /** The answer as it comes, not read yet and not limited in time. Rejects unless it is a success. */
  open(input: RequestInput & { readonly accept: string }): Promise<Response>;
  urlOf(path: string, query?: RequestInput['query']): URL;
  readonly token: string | null;
}

const defaultTimeoutMs = 60_000;

export function createRequester(options: RequesterOptions): Requester {
  const base = parseBaseUrl(options.baseUrl);
  // `fetch` of a browser must be called on its global object.
  const call = options.fetch ?? globalThis.fetch.bind(globalThis);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;

  const urlOf: Requester['urlOf'] = (path, query = {}) => {
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  };
  const send = async (input: RequestInput, accept: string, signal: AbortSignal | undefined): Promise<Response> => {
    const name = `${input.method} ${input.path}`;
    let response: Response;
    try {
      response = await call(urlOf(input.path, input.query), {
        method: input.method,
        headers: {
          accept,
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
        },
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw unansweredError(name, base, error, input.signal);
    }
    if (!response.ok && response.status !== input.acceptStatus) throw await apiErrorFromResponse(response, name);
    return response;
  };

  return {
    token: options.token ?? null,
    urlOf,
    async json<Answer>(input: RequestInput) {
      const limit = AbortSignal.timeout(timeoutMs);
      const signal = input.signal ? AbortSignal.any([input.signal, limit]) : limit;
      const response = await send(input, 'application/json', signal);
      const name = `${input.method} ${input.path}`;
      let text: string;
      try {
        text = await response.text();
      } catch (error) {
        throw unansweredError(name, base, error, input.signal);
      }
      if (text === '') return undefined as Answer;
      try {
        return JSON.parse(text) as Answer;
      } catch (error) {
        throw new RunbeatApiError({
          code: 'response_invalid',
          status: response.status,
          message: `${name} was answered with something that is no JSON: this is not a Runbeat server, or a proxy answered for it.`,
          cause: error,
        });
      }
    },
    open: (input) => send(input, input.accept, input.signal),
  };
}

function unansweredError(name: string, base: URL, error: unknown, signal: AbortSignal | undefined): RunbeatApiError {
  if (signal?.aborted) {
    return new RunbeatApiError({ code: 'request_aborted', message: `${name} was aborted by its caller.`, cause: error });
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RunbeatApiError({
    code: 'server_unreachable',
    message: `${name}: no answer from ${base.origin} (${reason}).`,
    remedy: 'Check that the server runs (`runbeat serve`) and that the address is right.',
    cause: error,
  });
}

function parseBaseUrl(baseUrl: string): URL {
  try {
    const url = new URL(baseUrl);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // Told below, like an address of another kind.
  }
  throw new RunbeatApiError({
    code: 'base_url_invalid',
    message: `"${baseUrl}" is no address of a server; write http://127.0.0.1:4400.`,
  });
}

/** A part of a path, safe whatever it holds. */
export function pathPart(value: string): string {
  return encodeURIComponent(value);
}
