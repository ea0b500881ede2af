import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createRunnerTransport, type RunnerTransport, retryAfterMsFrom } from './runner-transport.js';

let server: Server;
let transport: RunnerTransport;
afterEach(async () => {
  await transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function against(listener: RequestListener) {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
  transport = createRunnerTransport({ serverUrl, connectTimeoutMs: 1_000 });
  return (options: { deadlineMs?: number; signal?: AbortSignal } = {}) =>
    transport.request({
      method: 'POST',
      path: '/x',
      token: 't',
      body: { a: 1 },
      answers: { 200: z.object({ ok: z.boolean() }) },
      deadlineMs: options.deadlineMs ?? 5_000,
      signal: options.signal ?? new AbortController().signal,
    });
}
const problem =
  (status: number, code: string): RequestListener =>
  (_request, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/problem+json' })
      .end(JSON.stringify({ code, detail: 'd', status }));

test('an answer of the expected shape is one; the path is below the server URL, the token goes along', async () => {
  const ask = await against((request, response) =>
    response.end(JSON.stringify({ ok: request.url === '/base/x' && request.headers.authorization === 'Bearer t' })),
  );
  expect(await ask()).toEqual({ kind: 'ok', status: 200, body: { ok: true } });
});

describe('what is no answer of our server', () => {
  test.each([
    ['HTML with 200', (_r, s) => s.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), /not JSON/],
    ['JSON of another shape', (_r, s) => s.end('{"ok":"yes"}'), /unexpected body/],
    ['502 of a proxy', (_r, s) => s.writeHead(502).end('Bad gateway'), /502/],
    ['404 of a proxy', (_r, s) => s.writeHead(404).end('nope'), /404/],
    ['a redirect to a login', (_r, s) => s.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /302/],
    ['a connection that breaks', (r) => r.socket.destroy(), /./],
  ] as [string, RequestListener, RegExp][])('%s is a failure', async (_name, listener, message) => {
    const ask = await against(listener);
    expect(await ask()).toMatchObject({ kind: 'failed', message: expect.stringMatching(message), retryAfterMs: null });
  });
});

test.each([
  [401, 'runner_token_invalid'],
  [409, 'session_superseded'],
  [410, 'run_fenced'],
  [426, 'runner_protocol_unsupported'],
])('a problem document with %i is a refusal with its code', async (status, code) => {
  const ask = await against(problem(status, code));
  expect(await ask()).toEqual({ kind: 'refused', status, code, message: 'd' });
});

test.each([429, 503])('%i is a failure, with the time that the server asked for', async (status) => {
  const ask = await against((_request, response) =>
    response.writeHead(status, { 'retry-after': '2' }).end('{"code":"rate_limited"}'),
  );
  expect(await ask()).toMatchObject({ kind: 'failed', retryAfterMs: 2_000 });
});

test('a server that never answers is given up at the deadline, one that stops in the middle as well', async () => {
  let isHalf = false;
  const ask = await against((_request, response) => {
    if (isHalf) response.writeHead(200).write('{"ok":');
  });
  expect(await ask({ deadlineMs: 50 })).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('no answer within 50 ms'),
  });
  isHalf = true;
  expect(await ask({ deadlineMs: 50 })).toMatchObject({ kind: 'failed' });
});

test('a request that we gave up says so, also when the deadline passes at the same time', async () => {
  const ask = await against(() => undefined);
  const controller = new AbortController();
  const answer = ask({ signal: controller.signal });
  controller.abort();
  expect(await answer).toEqual({ kind: 'aborted' });
});

test('after a reset the next request uses a new connection', async () => {
  const ports = new Set<number | undefined>();
  const ask = await against((request, response) => {
    ports.add(request.socket.remotePort);
    response.end('{"ok":true}');
  });
  await ask();
  await ask();
  const before = new Set(ports);
  transport.reset();
  ports.clear();
  await ask();
  expect([...ports].filter((port) => before.has(port))).toEqual([]);
});

test('Retry-After comes in seconds or as a date, and nonsense is none', () => {
  expect(retryAfterMsFrom('1.5')).toBe(1_500);
  expect(retryAfterMsFrom('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000);
  expect(retryAfterMsFrom('999999')).toBe(300_000);
  expect(retryAfterMsFrom('-3')).toBe(0);
  expect(retryAfterMsFrom('soon')).toBeNull();
  expect(retryAfterMsFrom(null)).toBeNull();
});
