import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createClient, isRunbeatApiError, type WebSocketClass } from '../src/index.js';
import { createBackoff } from '../src/live/backoff.js';
import { followEvents } from '../src/live/follow-events.js';
import { createSseParser } from '../src/live/sse-parser.js';
import { createRequester } from '../src/request.js';

const companyId = '0190f5a4-0000-7000-8000-000000000000';
const runId = '0190f5a4-0000-7000-8000-000000000001';
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers as it is told. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, call: number) => void,
): Promise<{ url: string; server: Server }> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    answer(request, response, calls);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const sse = (message: unknown): string => `data: ${JSON.stringify(message)}\n\n`;
const hello = (cursor: number) => ({ type: 'hello', cursor, instanceId: 'i', pingIntervalMs: 15_000 });
const events = (...ids: number[]) => ({
  type: 'events',
  events: ids.map((id) => ({ id, type: 'x', data: null, at: '2026-01-01T00:00:00.000Z' })),
});

async function rejection(promise: Promise<unknown>): Promise<ReturnType<typeof asApiError>> {
  return promise.then(
    () => asApiError(null),
    (error: unknown) => asApiError(error),
  );
}
function asApiError(error: unknown) {
  if (!isRunbeatApiError(error)) throw error ?? new Unexpected('it did not reject');
  return error;
}
class Unexpected extends Error {}

describe('a call', () => {
  it('carries token, key and body, and gives the JSON', async () => {
    let seen: IncomingMessage | null = null;
    const { url } = await serve((request, response) => {
      seen = request;
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"1","name":"x"}');
    });
    const client = createClient({ baseUrl: `${url}/behind/a/proxy/`, token: 'rb_key' });
    expect(await client.companies.create({ name: 'x' }, { idempotencyKey: 'k' })).toEqual({ id: '1', name: 'x' });
    const request = seen as IncomingMessage | null;
    expect([request?.method, request?.url, request?.headers.authorization, request?.headers['idempotency-key']]).toEqual([
      'POST',
      '/behind/a/proxy/api/companies',
      'Bearer rb_key',
      'k',
    ]);
  });

  it('that is refused rejects with everything that the problem document says', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(422, { 'content-type': 'application/problem+json', 'retry-after': '2' }).end(
        JSON.stringify({
          code: 'config_invalid',
          detail: 'wrong',
          remedy: 'mend it',
          requestId: 'r',
          errors: [{ field: 'body.x', message: 'no' }],
        }),
      );
    });
    const error = await rejection(createClient({ baseUrl: url }).agents.create(companyId, { name: 'a', adapterType: 'local' }));
    expect(error).toMatchObject({
      code: 'config_invalid',
      status: 422,
      message: 'wrong',
      remedy: 'mend it',
      requestId: 'r',
      retryAfterMs: 2_000,
      errors: [{ field: 'body.x', message: 'no' }],
    });
  });

  it.each([
    ['a page of a proxy', '<html>502</html>', 502],
    ['a success that is no JSON', 'hello', 200],
  ])('that is answered by %s says so', async (_title, body, status) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status).end(body);
    });
    expect(await rejection(createClient({ baseUrl: url }).companies.list())).toMatchObject({ code: 'response_invalid', status });
  });

  it('without an answer, past its limit, aborted, or to no address each has its code', async () => {
    const { url, server } = await serve(() => undefined);
    expect(await rejection(createClient({ baseUrl: url, timeoutMs: 50 }).companies.list())).toMatchObject({
      code: 'server_unreachable',
      status: 0,
    });
    const stop = new AbortController();
    const call = rejection(createClient({ baseUrl: url }).companies.list({ signal: stop.signal }));
    stop.abort();
    expect(await call).toMatchObject({ code: 'request_aborted' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await rejection(createClient({ baseUrl: url }).companies.list())).toMatchObject({
      code: 'server_unreachable',
      remedy: expect.any(String),
    });
    expect(() => createClient({ baseUrl: 'nowhere' })).toThrow(expect.objectContaining({ code: 'base_url_invalid' }));
  });

  it('to a server that is not ready gives its checks', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"status":"not_ready","checks":[]}');
    });
    expect(await createClient({ baseUrl: url }).health.ready()).toEqual({ status: 'not_ready', checks: [] });
  });
});

describe('server-sent events', () => {
  it('are read the same however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        fc.boolean(),
        (values, cuts, isCrLf) => {
          const texts = values.map((value) => JSON.stringify(value) ?? 'null');
          const stream = texts
            .map((text) => `: comment\nid: 1\nevent: x\ndata: ${text}\n\n`)
            .join('')
            .replaceAll('\n', isCrLf ? '\r\n' : '\n');
          const parser = createSseParser();
          const read: string[] = [];
          for (let at = 0, index = 0; at < stream.length; index += 1) {
            const length = cuts[index % cuts.length] ?? 1;
            read.push(...parser.push(stream.slice(at, at + length)));
            at += length;
          }
          expect(read).toEqual(texts);
        },
      ),
    );
  });
});

describe('the wait between tries', () => {
  it('has full jitter below a bound that doubles from 0.25 s to 15 s, and starts anew once the link works', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 20 }), (random, tries) => {
        const backoff = createBackoff(() => random);
        for (let index = 0; index < tries; index += 1)
          expect(backoff.nextMs()).toBeCloseTo(random * Math.min(15_000, 250 * 2 ** index));
        backoff.reset();
        expect(backoff.nextMs()).toBeCloseTo(random * 250);
      }),
    );
  });
});

describe('events', () => {
  it('resume behind the last one that was taken, over broken streams, overload and half messages', async () => {
    const afters: (string | null)[] = [];
    const { url } = await serve((request, response, call) => {
      const after = new URL(request.url ?? '', 'http://x').searchParams.get('after');
      afters.push(after);
      if (call === 2) {
        response.writeHead(503).end('<html>busy</html>');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const from = Number(after ?? 10);
      response.write(sse(hello(from)) + sse(events(from + 1, from + 2)));
      // Half a message, then nothing.
      response.write('data: {"type":"ev', () => request.socket.destroy());
    });
    const client = createClient({ baseUrl: url, webSocket: null });
    const stop = new AbortController();
    const ids: number[] = [];
    const kinds = new Set<string>();
    for await (const event of client.events({ companyId, signal: stop.signal })) {
      kinds.add(event.type);
      if (event.type === 'event') ids.push(event.cursor);
      if (ids.length >= 6) stop.abort();
    }
    expect(ids).toEqual([11, 12, 13, 14, 15, 16]);
    expect(afters).toEqual([null, '12', '12', '14']);
    expect([...kinds].sort()).toEqual(['connected', 'disconnected', 'event']);
  });

  it('resume even when nothing had come yet: what happened meanwhile is not lost', async () => {
    const afters: (string | null)[] = [];
    const { url } = await serve((request, response, call) => {
      afters.push(new URL(request.url ?? '', 'http://x').searchParams.get('after'));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (call === 1) response.write(sse(hello(41)), () => request.socket.destroy());
      else response.write(sse(hello(41)) + sse(events(42)));
    });
    for await (const event of createClient({ baseUrl: url, webSocket: null }).events({ companyId })) {
      if (event.type === 'event') break;
    }
    expect(afters).toEqual([null, '41']);
  });

  it('of a company that is not there are an error, not an endless try', async () => {
    const { url } = await serve((_request, response) => {
      response
        .writeHead(404, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ code: 'company_not_found', detail: 'no', remedy: 'x', requestId: 'r' }));
    });
    for (const webSocket of [null, WebSocket as unknown as WebSocketClass]) {
      const first = createClient({ baseUrl: url, webSocket }).events({ companyId }).next();
      expect(await rejection(first)).toMatchObject({ code: 'company_not_found', status: 404 });
    }
  });

  it('whose link falls silent are taken up on another one', async () => {
    const { url } = await serve((_request, response, call) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(hello(0)) + (call === 1 ? '' : sse(events(1))));
    });
    const context = { requester: createRequester({ baseUrl: url }), webSocket: null, silenceLimitMs: 60 };
    const seen: string[] = [];
    for await (const event of followEvents(context, { companyId })) {
      seen.push(event.type);
      if (event.type === 'event') break;
    }
    expect(seen).toEqual(['connected', 'disconnected', 'connected', 'event']);
  });
});

describe('a run log', () => {
  const record = (seq: number) => ({ seq, at: '2026-01-01T00:00:00.000Z', stream: 'stdout', text: `${seq}\n` });

  it('over server-sent events is resumed by seq, also after an error of the subscription, and ends when it is complete', async () => {
    const afters: (string | null)[] = [];
    const { url } = await serve((request, response, call) => {
      afters.push(new URL(request.url ?? '', 'http://x').searchParams.get('after'));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (call === 1)
        response.write(sse({ type: 'log', runId, records: [record(1), record(2)] }), () => request.socket.destroy());
      // The connection stays open, the subscription does not.
      if (call === 2)
        response.write(
          sse({ type: 'log', runId, records: [record(3)] }) +
            sse({ type: 'error', code: 'log_store_unavailable', message: 'x', runId }),
        );
      if (call === 3)
        response.write(sse({ type: 'log', runId, records: [record(4)] }) + sse({ type: 'log-completed', runId, lastSeq: 4 }));
    });
    const seqs: number[] = [];
    for await (const { seq } of createClient({ baseUrl: url, webSocket: null }).runLog({ runId })) seqs.push(seq);
    expect([seqs, afters]).toEqual([
      [1, 2, 3, 4],
      ['0', '2', '3'],
    ]);
  });

  it('over a WebSocket sends token and subscription, and asks for nothing else', async () => {
    const { url, server } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: runId, companyId }));
    });
    const said: string[] = [];
    const upgrades: { url: string | undefined; protocols: string | undefined }[] = [];
    const sockets = new WebSocketServer({ server, handleProtocols: () => 'runbeat.v1' });
    closers.push(() => sockets.close());
    sockets.on('connection', (socket, request) => {
      upgrades.push({ url: request.url, protocols: request.headers['sec-websocket-protocol'] });
      socket.on('message', (data) => {
        said.push(String(data));
        if (upgrades.length === 1) {
          socket.send(JSON.stringify({ type: 'log', runId, records: [record(1)] }), () => socket.terminate());
          return;
        }
        socket.send(JSON.stringify({ type: 'log', runId, records: [record(2)] }));
        socket.send(JSON.stringify({ type: 'log-completed', runId, lastSeq: 2 }));
      });
    });
    const client = createClient({ baseUrl: url, token: 'rb_key', webSocket: WebSocket as unknown as WebSocketClass });
    const seqs: number[] = [];
    for await (const { seq } of client.runLog({ runId })) seqs.push(seq);
    expect(seqs).toEqual([1, 2]);
    expect(upgrades[0]).toEqual({
      url: `/api/companies/${companyId}/events/ws?events=false`,
      protocols: 'runbeat.v1,runbeat.bearer.rb_key',
    });
    expect(said.map((text) => JSON.parse(text))).toEqual([
      { subscribe: { runId, afterSeq: 0 } },
      { subscribe: { runId, afterSeq: 1 } },
    ]);
  });
});
