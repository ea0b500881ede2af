import { request } from 'node:http';
import { createClient } from '@runbeat/client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestServer, type TestServer } from '../harness/test-server.js';

/** With any `Host`: `fetch` would not let it be set. */
function statusOf(server: TestServer, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, server.url), { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on('error', reject);
    call.end();
  });
}

function upgradeStatusOf(server: TestServer, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, ['runbeat.v1'], { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (call, response) => {
      resolve(response.statusCode ?? 0);
      call.destroy();
    });
    socket.on('error', () => undefined);
  });
}

describe('callers who do not belong here', () => {
  it('T5 a foreign Origin and a foreign Host get 403, on HTTP and on the WebSocket', async () => {
    const server = await startTestServer();
    const ws = `/api/companies/${server.companyId}/events/ws`;
    for (const headers of [{ origin: 'https://evil.example' }, { host: 'evil.example' }]) {
      expect([headers, await statusOf(server, '/api/companies', headers)]).toEqual([headers, 403]);
      expect([headers, await upgradeStatusOf(server, ws, headers)]).toEqual([headers, 403]);
    }
    expect([await statusOf(server, '/api/companies', {}), await upgradeStatusOf(server, ws, {})]).toEqual([200, 101]);
  });

  it('T5 a key of another company gets 404, and none gets 401, on HTTP and on the WebSocket', async () => {
    const server = await startTestServer({ environment: { RUNBEAT_MODE: 'token' } });
    const { readFile } = await import('node:fs/promises');
    const { token } = JSON.parse(await readFile(`${server.home}/server.json`, 'utf8')) as { token: string };
    const operator = createClient({ baseUrl: server.url, token });
    const ours = await operator.companies.create({ name: 'ours' });
    const theirs = await operator.companies.create({ name: 'theirs' });
    const { key } = await operator.apiKeys.create({ name: 'theirs', scope: 'company', companyId: theirs.id });
    const asThem = { authorization: `Bearer ${key}` };
    const path = `/api/companies/${ours.id}`;
    expect([await statusOf(server, path, asThem), await upgradeStatusOf(server, `${path}/events/ws`, asThem)]).toEqual([
      404, 404,
    ]);
    expect([await statusOf(server, path, {}), await upgradeStatusOf(server, `${path}/events/ws`, {})]).toEqual([401, 401]);
  });
});
