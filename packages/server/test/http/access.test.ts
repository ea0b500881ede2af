import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentId } from '../../src/supervisor/model/index.js';
import { rawUpgrade } from './support/raw-upgrade.js';
import { createTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

const open: TestServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
async function start(options: Parameters<typeof createTestServer>[0]): Promise<TestServer> {
  const server = await createTestServer(options);
  open.push(server);
  return server;
}

describe('T5 mode local', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example' }, 'host_refused'],
    ['a foreign Host with our port', { host: 'evil.example:4400' }, 'host_refused'],
    ['a Host that only looks like loopback', { host: '127.0.0.1.evil.example' }, 'host_refused'],
    ['a foreign Origin', { origin: 'http://evil.example' }, 'origin_refused'],
    ['the Origin null', { origin: 'null' }, 'origin_refused'],
    ['an Origin of another port of this machine', { origin: 'http://127.0.0.1:1' }, 'origin_refused'],
    ['an Origin that has our host in front', { origin: 'http://127.0.0.1:4400.evil.example' }, 'origin_refused'],
    [
      'a request that a browser makes for another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      'origin_refused',
    ],
  ])('answers 403 to %s, on HTTP, server-sent events and WebSocket alike', async (_title, headers, code) => {
    const server = await start({ mode: 'local' });
    const paths = ['/api/companies', `/api/companies/${server.company.id}/events`, '/healthz'];
    for (const path of paths) {
      const answer = await server.http.app.inject({
        method: 'GET',
        url: path,
        headers: { host: `127.0.0.1:${server.port}`, ...(headers as Record<string, string>) },
      });
      expect([path, answer.statusCode, answer.json().code]).toEqual([path, 403, code]);
    }
    if ('sec-fetch-site' in headers) return;
    const upgrade = await rawUpgrade({ port: server.port, path: `/api/companies/${server.company.id}/events/ws`, headers });
    expect([upgrade.status, JSON.parse(upgrade.text.split('\r\n\r\n')[1] ?? '').code]).toEqual([403, code]);
  });

  it('takes our own pages, programs without an Origin, links from elsewhere and the names of the settings', async () => {
    const server = await start({ mode: 'local', http: { allowedHosts: ['runbeat.internal'] } });
    const ours = `127.0.0.1:${server.port}`;
    for (const headers of [
      { host: ours },
      { host: ours, origin: `http://${ours}` },
      { host: `localhost:${server.port}`, origin: `http://localhost:${server.port}` },
      { host: `[::1]:${server.port}` },
      { host: 'runbeat.internal', origin: 'https://runbeat.internal' },
      { host: ours, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ]) {
      const answer = await server.http.app.inject({
        method: 'GET',
        url: '/api/companies',
        headers: headers as Record<string, string>,
      });
      expect([headers, answer.statusCode]).toEqual([headers, 200]);
    }
    const upgrade = await rawUpgrade({ port: server.port, path: `/api/companies/${server.company.id}/events/ws` });
    expect(upgrade.status).toBe(101);
  });
});

describe('mode token', () => {
  let server: TestServer;
  let ours: Awaited<ReturnType<TestServer['createCompany']>>;
  let theirs: Awaited<ReturnType<TestServer['createCompany']>>;
  let keys: Record<'operator' | 'company' | 'foreign' | 'agent' | 'runner', string>;
  let agentId: string;
  beforeAll(async () => {
    server = await createTestServer({ mode: 'token', live: { pingIntervalMs: 50 } });
    ours = await server.createCompany('ours');
    theirs = await server.createCompany('theirs');
    const operator = await server.createKey('operator');
    const created = await server.call('POST', `/api/companies/${ours.id}/agents`, {
      token: operator,
      body: { name: 'worker', adapterType: 'told', adapterConfig: { isWaiting: true } },
    });
    agentId = created.body.id;
    keys = {
      operator,
      company: await server.createKey('company', ours.id),
      foreign: await server.createKey('company', theirs.id),
      agent: await server.createKey('agent', ours.id, agentId as AgentId),
      runner: await server.createKey('runner'),
    };
  });
  afterAll(async () => {
    await server.close();
  });

  it('asks for a token everywhere but for health and readiness, and never says what is wrong with one', async () => {
    for (const path of ['/api/companies', '/api/heartbeat-runs/00000000-0000-4000-8000-000000000000', '/metrics']) {
      const missing = await server.call('GET', path);
      expect([missing.status, missing.body.code]).toEqual([401, 'token_missing']);
      expect(missing.headers.get('www-authenticate')).toMatch(/^Bearer/);
      for (const token of ['rb_wrong', `rb_${'x'.repeat(43)}`, 'a.b.c', `${keys.operator}x`, keys.operator.slice(0, -1)]) {
        const refused = await server.call('GET', path, { token });
        expect([refused.status, refused.body.code]).toEqual([401, 'token_refused']);
      }
    }
    expect((await server.call('GET', '/healthz')).status).toBe(200);
    expect((await server.call('GET', '/readyz')).status).toBe(200);
  });

  it('answers 404 for another company, on HTTP, server-sent events and WebSocket alike', async () => {
    for (const path of [`/api/companies/${ours.id}`, `/api/companies/${ours.id}/events`, `/api/agents/${agentId}`]) {
      const answer = await server.call('GET', path, { token: keys.foreign });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    const path = `/api/companies/${ours.id}/events/ws`;
    const foreign = await rawUpgrade({ port: server.port, path, headers: { authorization: `Bearer ${keys.foreign}` } });
    const own = await rawUpgrade({ port: server.port, path, headers: { authorization: `Bearer ${keys.company}` } });
    const asProtocol = await rawUpgrade({
      port: server.port,
      path,
      headers: { 'sec-websocket-protocol': `runbeat.v1, runbeat.bearer.${keys.company}` },
    });
    const none = await rawUpgrade({ port: server.port, path });
    expect([foreign.status, own.status, asProtocol.status, none.status]).toEqual([404, 101, 101, 401]);
    expect(asProtocol.text.toLowerCase()).toContain('sec-websocket-protocol: runbeat.v1');
    expect(asProtocol.text).not.toContain(keys.company);
  });

  it('keeps each scope within its bounds', async () => {
    const tries: [string, string, keyof typeof keys, number, unknown?][] = [
      ['POST', '/api/companies', 'company', 403, { name: 'x' }],
      ['POST', '/api/adapters', 'company', 403, { source: 'x' }],
      ['GET', '/metrics', 'company', 403],
      ['DELETE', `/api/agents/${agentId}`, 'agent', 403],
      ['POST', '/api/api-keys', 'agent', 403, { name: 'x', scope: 'operator' }],
      ['GET', '/api/companies', 'runner', 403],
      ['GET', '/api/companies', 'agent', 200],
      ['GET', `/api/companies/${ours.id}/agents`, 'agent', 200],
      ['GET', '/api/whoami', 'runner', 200],
    ];
    for (const [method, path, key, status, body] of tries) {
      const answer = await server.call(method, path, { token: keys[key], ...(body === undefined ? {} : { body }) });
      expect([method, path, key, answer.status]).toEqual([method, path, key, status]);
    }
    const seen = await server.call('GET', '/api/companies', { token: keys.company });
    expect(seen.body.items.map(({ id }: { id: string }) => id)).toEqual([ours.id]);
  });

  it('lets a company make keys of its own and no larger ones, shows them once, and ends them at once', async () => {
    const tooLarge = await server.call('POST', '/api/api-keys', { token: keys.company, body: { name: 'x', scope: 'operator' } });
    const foreign = await server.call('POST', '/api/api-keys', {
      token: keys.company,
      body: { name: 'x', scope: 'company', companyId: theirs.id },
    });
    expect([tooLarge.status, foreign.status]).toEqual([403, 404]);
    const made = await server.call('POST', '/api/api-keys', {
      token: keys.company,
      body: { name: 'ci', scope: 'company', companyId: ours.id },
    });
    expect(made.body.key).toMatch(/^rb_[A-Za-z0-9_-]{43}$/);
    const listed = await server.call('GET', '/api/api-keys', { token: keys.company });
    expect(listed.body.items.every(({ companyId }: { companyId: string }) => companyId === ours.id)).toBe(true);
    expect(listed.text).not.toContain(made.body.key);
    expect((await server.call('DELETE', `/api/api-keys/${made.body.id}`, { token: keys.foreign })).status).toBe(404);
    expect((await server.call('GET', '/api/whoami', { token: made.body.key })).status).toBe(200);
    const stream = await fetch(`${server.url}/api/companies/${ours.id}/events`, {
      headers: { authorization: `Bearer ${made.body.key}` },
    });
    expect(stream.status).toBe(200);
    expect((await server.call('DELETE', `/api/api-keys/${made.body.id}`, { token: keys.company })).status).toBe(200);
    expect((await server.call('GET', '/api/whoami', { token: made.body.key })).status).toBe(401);
    // Its open stream ends with it.
    const reader = stream.body?.getReader();
    for (;;) if ((await reader?.read())?.done) break;
  });

  it('refuses a key that has expired', async () => {
    const soon = new Date(Date.now() + 200).toISOString();
    const made = await server.call('POST', '/api/api-keys', {
      token: keys.operator,
      body: { name: 'x', scope: 'operator', expiresAt: soon },
    });
    await until(
      'the key to expire',
      async () => (await server.call('GET', '/api/whoami', { token: made.body.key })).status === 401,
    );
  });

  it('stores no key, only its hash', async () => {
    const rows = await server.database.pool.query('SELECT * FROM api_keys');
    const dump = JSON.stringify(rows.rows);
    for (const key of Object.values(keys)) expect(dump).not.toContain(key);
  });

  it('gives work a token that does what work needs, and nothing else, and dies with its run', async () => {
    const issue = await server.call('POST', `/api/companies/${ours.id}/issues`, { token: keys.company, body: { title: 'work' } });
    const other = await server.call('POST', `/api/companies/${ours.id}/issues`, {
      token: keys.company,
      body: { title: 'other' },
    });
    const woken = await server.call('POST', `/api/agents/${agentId}/wakeup`, {
      token: keys.company,
      body: { issueId: issue.body.id },
    });
    const runId = woken.body.run.id as string;
    await until('the run to start', () => server.told.environmentOf(runId) !== undefined);
    const environment = server.told.environmentOf(runId) ?? {};
    expect(environment).toMatchObject({
      RUNBEAT_API_URL: server.url,
      RUNBEAT_RUN_ID: runId,
      RUNBEAT_COMPANY_ID: ours.id,
      RUNBEAT_AGENT_ID: agentId,
      RUNBEAT_ISSUE_ID: issue.body.id,
    });
    const token = environment['RUNBEAT_RUN_TOKEN'] ?? '';
    const foreignAgent = await server.call('POST', `/api/companies/${theirs.id}/agents`, {
      token: keys.foreign,
      body: { name: 'theirs', adapterType: 'told' },
    });
    const as = (method: string, path: string, body?: unknown) =>
      server.call(method, path, { token, ...(body === undefined ? {} : { body }) });
    const statuses = [
      ['its run', await as('GET', `/api/heartbeat-runs/${runId}`), 200],
      ['activity', await as('POST', `/api/heartbeat-runs/${runId}/activity`, {}), 202],
      ['an event', await as('POST', `/api/heartbeat-runs/${runId}/events`, { type: 'step', message: 'one' }), 202],
      ['its issue', await as('GET', `/api/issues/${issue.body.id}`), 200],
      ['checkout', await as('POST', `/api/issues/${issue.body.id}/checkout`), 200],
      ['a comment', await as('POST', `/api/issues/${issue.body.id}/comments`, { body: 'on it' }), 201],
      ['waking', await as('POST', `/api/agents/${agentId}/wakeup`, { reason: 'more' }), 202],
      ['another issue', await as('GET', `/api/issues/${other.body.id}`), 404],
      ['a foreign agent', await as('POST', `/api/agents/${foreignAgent.body.id}/wakeup`), 404],
      ['another command', await as('POST', `/api/agents/${agentId}/wakeup`, { adapterConfigOverride: { lines: ['x'] } }), 403],
      ['cancelling', await as('POST', `/api/heartbeat-runs/${runId}/cancel`), 403],
      ['the company', await as('GET', `/api/companies/${ours.id}`), 403],
      ['keys', await as('GET', '/api/api-keys'), 403],
      ['the live events', await as('GET', `/api/companies/${ours.id}/events`), 403],
    ] as const;
    for (const [what, answer, status] of statuses) expect([what, answer.status]).toEqual([what, status]);
    const comments = await server.call('GET', `/api/issues/${issue.body.id}/comments`, { token: keys.company });
    expect(comments.body.items[0]).toMatchObject({ authorAgentId: agentId });
    server.told.finish(runId);
    await until(
      'the run to end',
      async () => (await server.call('GET', `/api/heartbeat-runs/${runId}`, { token: keys.company })).body.status === 'succeeded',
    );
    const dead = await as('GET', `/api/heartbeat-runs/${runId}`);
    expect([dead.status, dead.body.code]).toEqual([401, 'token_refused']);
  });

  it('limits requests per token and says when to come back', async () => {
    const limited = await createTestServer({ mode: 'token', http: { rateLimitPerMinute: 5 } });
    open.push(limited);
    const [busy, quiet] = [await limited.createKey('operator'), await limited.createKey('operator')];
    const answers = [];
    for (let call = 0; call < 7; call += 1) answers.push(await limited.call('GET', '/api/whoami', { token: busy }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(answers[6]?.body.code).toBe('rate_limited');
    expect(Number(answers[6]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await limited.call('GET', '/api/whoami', { token: quiet })).status).toBe(200);
  });
});

describe('a run token in mode local', () => {
  it('makes its bearer a run, not an operator', async () => {
    const server = await start({ mode: 'local' });
    const agent = await server.call('POST', `/api/companies/${server.company.id}/agents`, {
      body: { name: 'a', adapterType: 'told', adapterConfig: { isWaiting: true } },
    });
    const woken = await server.call('POST', `/api/agents/${agent.body.id}/wakeup`);
    const runId = woken.body.run.id as string;
    await until('the run to start', () => server.told.environmentOf(runId) !== undefined);
    const token = server.told.environmentOf(runId)?.['RUNBEAT_RUN_TOKEN'] ?? '';
    expect((await server.call('GET', '/api/whoami', { token })).body).toMatchObject({ kind: 'run-token', scope: 'run', runId });
    expect((await server.call('GET', '/api/companies', { token })).status).toBe(403);
    server.told.finish(runId);
    await until('the token to end', async () => (await server.call('GET', '/api/whoami', { token })).status === 401);
  });
});
