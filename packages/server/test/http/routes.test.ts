import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

let server: TestServer;
let agentsPath: string;
beforeAll(async () => {
  server = await createTestServer();
  agentsPath = `/api/companies/${server.company.id}/agents`;
});
afterAll(async () => {
  await server.close();
});

async function createAgent(adapterConfig: object = {}, more: object = {}): Promise<string> {
  const answer = await server.call('POST', agentsPath, {
    body: { name: 'worker', adapterType: 'told', adapterConfig, ...more },
  });
  expect(answer.status).toBe(201);
  return answer.body.id as string;
}

async function runToEnd(agentId: string, wake: object = {}): Promise<string> {
  const woken = await server.call('POST', `/api/agents/${agentId}/wakeup`, { body: wake });
  expect(woken.status).toBe(202);
  const runId = woken.body.run.id as string;
  await until('the run to end', async () => {
    const { body } = await server.call('GET', `/api/heartbeat-runs/${runId}`);
    return body.finishedAt !== null;
  });
  return runId;
}

describe('companies', () => {
  it('are listed with the one named local, which is there from the start', async () => {
    const { status, body } = await server.call('GET', '/api/companies');
    expect(status).toBe(200);
    expect(body.items).toContainEqual({ id: server.company.id, name: 'local', createdAt: expect.any(String) });
  });

  it('are created once for one Idempotency-Key, also when both requests come at once', async () => {
    const headers = { 'idempotency-key': 'once' };
    const create = (name: string) => server.call('POST', '/api/companies', { body: { name }, headers });
    const first = await create('acme');
    const second = await create('acme');
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const other = await create('other');
    expect(other.body.code).toBe('idempotency_key_reused');
    const together = await Promise.all(
      Array.from({ length: 30 }, () =>
        server.call('POST', '/api/companies', { body: { name: 'x' }, headers: { 'idempotency-key': 'twice' } }),
      ),
    );
    expect(new Set(together.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(together.map(({ text }) => text)).size).toBe(1);
    const { body } = await server.call('GET', '/api/companies?limit=100');
    expect(body.items.filter((company: { name: string }) => company.name === 'x')).toHaveLength(1);
  });
});

describe('a create with an Idempotency-Key', () => {
  it('that failed is done by the next one with the same key', async () => {
    const headers = { 'idempotency-key': 'fails-first' };
    const create = () =>
      server.call('POST', agentsPath, { body: { name: 'a', adapterType: 'told', adapterConfig: {} }, headers });
    await server.database.executor.execute(
      `ALTER TABLE activity_log ADD CONSTRAINT closed CHECK (action <> 'agent.created') NOT VALID`,
    );
    expect((await create()).status).toBe(500);
    await server.database.executor.execute('ALTER TABLE activity_log DROP CONSTRAINT closed');
    const created = await create();
    expect(created).toMatchObject({ status: 201, body: { name: 'a' } });
    expect(created.headers.get('idempotency-replayed')).toBeNull();
    expect((await create()).body).toEqual(created.body);
  });

  it('wakes the assignee of an issue, and those whom a comment mentions, once', async () => {
    const agentId = await createAgent({}, { name: 'woken-once' });
    const issue = () =>
      server.call('POST', `/api/companies/${server.company.id}/issues`, {
        body: { title: 'one', assigneeAgentId: agentId },
        headers: { 'idempotency-key': 'issue' },
      });
    const answers = await Promise.all([issue(), issue(), issue()]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const comment = () =>
      server.call('POST', `/api/issues/${answers[0].body.id}/comments`, {
        body: { body: 'hello @woken-once' },
        headers: { 'idempotency-key': 'comment' },
      });
    await until('the first run to end', async () => {
      const { body } = await server.call('GET', `/api/companies/${server.company.id}/heartbeat-runs?agentId=${agentId}`);
      return body.items.length === 1 && body.items[0].finishedAt !== null;
    });
    expect(new Set((await Promise.all([comment(), comment(), comment()])).map(({ text }) => text)).size).toBe(1);
    await until('the second run to end', async () => {
      const { body } = await server.call('GET', `/api/companies/${server.company.id}/heartbeat-runs?agentId=${agentId}`);
      return body.items.every((run: { finishedAt: string | null }) => run.finishedAt !== null);
    });
    const { body } = await server.call('GET', `/api/companies/${server.company.id}/heartbeat-runs?agentId=${agentId}`);
    expect(body.items).toHaveLength(2);
  });
});

describe('agents', () => {
  it('have a role, a runtime config with every default, and their adapter config as it was written', async () => {
    const answer = await server.call('POST', agentsPath, {
      body: { name: 'a', adapterType: 'told', adapterConfig: { lines: ['x'] }, runtimeConfig: { limits: { timeoutMs: 5_000 } } },
    });
    expect(answer.body).toMatchObject({
      role: 'agent',
      status: 'active',
      activity: 'idle',
      adapterState: 'ready',
      adapterConfig: { lines: ['x'] },
      runtimeConfig: {
        limits: { timeoutMs: 5_000, idleTimeoutMs: null },
        heartbeat: { enabled: false, intervalSec: 300, wakeOnDemand: true, maxConcurrentRuns: 5 },
        placement: null,
      },
    });
  });

  it('are refused with every wrong field of their config named', async () => {
    const { status, body } = await server.call('POST', agentsPath, {
      body: { name: 'a', adapterType: 'told', adapterConfig: { lines: [1, 'ok', false], isWaiting: 'yes', nonsense: 1 } },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      code: 'config_invalid',
      status: 422,
      remedy: expect.any(String),
      requestId: expect.any(String),
    });
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining([
        'body.adapterConfig.lines[0]',
        'body.adapterConfig.lines[2]',
        'body.adapterConfig.isWaiting',
        'body.adapterConfig',
      ]),
    );
  });

  it('are refused with an adapter type that nobody registered', async () => {
    const { status, body } = await server.call('POST', agentsPath, { body: { name: 'a', adapterType: 'nowhere' } });
    expect([status, body.code]).toEqual([422, 'adapter_missing']);
  });

  it('may have an adapter that only a runner has, which checks the config itself; also when they are moved there later', async () => {
    const placed = { runtimeConfig: { placement: { runnerLabel: 'gpu' } } };
    const there = { name: 'a', adapterType: 'only_there', adapterConfig: { any: 'thing' } };
    const created = await server.call('POST', agentsPath, { body: { ...there, ...placed } });
    expect(created.status).toBe(201);
    expect(created.body.adapterState).not.toBe('ready');
    const override = { adapterConfigOverride: { any: 'other' } };
    const woken = await server.call('POST', `/api/agents/${created.body.id}/wakeup`, { body: override });
    expect([woken.status, woken.body.run.status]).toEqual([202, 'queued']);
    const id = await createAgent();
    expect((await server.call('PATCH', `/api/agents/${id}`, { body: there })).body.code).toBe('adapter_missing');
    expect((await server.call('PATCH', `/api/agents/${id}`, { body: { ...there, ...placed } })).status).toBe(200);
  });

  it('may name secrets that are not there yet, wherever the schema wants a text', async () => {
    const id = await createAgent({ env: { TOKEN: { $secret: 'NOT_THERE_YET' } } });
    const { body } = await server.call('GET', `/api/agents/${id}`);
    expect(body.adapterConfig).toEqual({ env: { TOKEN: { $secret: 'NOT_THERE_YET' } } });
  });

  it('keep what a patch leaves out, and are paused, resumed and deleted', async () => {
    const id = await createAgent({ lines: ['kept'] });
    const patched = await server.call('PATCH', `/api/agents/${id}`, {
      body: { name: 'renamed', runtimeConfig: { heartbeat: { maxConcurrentRuns: 2 } } },
    });
    expect(patched.body).toMatchObject({
      name: 'renamed',
      adapterConfig: { lines: ['kept'] },
      runtimeConfig: { heartbeat: { maxConcurrentRuns: 2, intervalSec: 300 } },
    });
    const bad = await server.call('PATCH', `/api/agents/${id}`, { body: { adapterConfig: { lines: 7 } } });
    expect(bad.body.errors).toEqual([{ field: 'body.adapterConfig.lines', message: expect.any(String) }]);
    expect((await server.call('POST', `/api/agents/${id}/pause`, { body: { reason: 'lunch' } })).body).toMatchObject({
      status: 'paused',
      statusReason: 'lunch',
    });
    expect((await server.call('POST', `/api/agents/${id}/resume`)).body).toMatchObject({ status: 'active', statusReason: null });
    expect((await server.call('DELETE', `/api/agents/${id}`)).status).toBe(204);
    expect((await server.call('GET', `/api/agents/${id}`)).status).toBe(404);
  });

  it('with a run at work are not deleted', async () => {
    const id = await createAgent({ isWaiting: true });
    const woken = await server.call('POST', `/api/agents/${id}/wakeup`);
    const { status, body } = await server.call('DELETE', `/api/agents/${id}`);
    expect([status, body.code, body.evidence]).toEqual([409, 'agent_has_active_runs', { runIds: [woken.body.run.id] }]);
    await server.call('POST', `/api/heartbeat-runs/${woken.body.run.id}/cancel`, { body: { reason: 'done' } });
  });
});

describe('a wakeup', () => {
  it('is answered 202 with its request and run, and the run can be read, listed, explained and retried', async () => {
    const id = await createAgent({ lines: ['hello'] });
    const runId = await runToEnd(id, { reason: 'because', prompt: 'do it', payload: { a: [1] } });
    const run = (await server.call('GET', `/api/heartbeat-runs/${runId}`)).body;
    expect(run).toMatchObject({
      status: 'succeeded',
      phase: null,
      prompt: 'do it',
      reason: 'because',
      payload: { a: [1] },
      invocationSource: 'on_demand',
    });
    const listed = (await server.call('GET', `/api/companies/${server.company.id}/heartbeat-runs?agentId=${id}&status=succeeded`))
      .body;
    expect(listed.items).toHaveLength(1);
    expect(listed.items[0]).not.toHaveProperty('resultJson');
    expect(listed.items[0]).not.toHaveProperty('prompt');
    const why = (await server.call('GET', `/api/heartbeat-runs/${runId}/why`)).body;
    expect(why.explanations.length).toBeGreaterThan(0);
    const events = (await server.call('GET', `/api/heartbeat-runs/${runId}/events`)).body;
    expect(events.items.length).toBeGreaterThan(0);
    const retried = await server.call('POST', `/api/heartbeat-runs/${runId}/retry`);
    expect([retried.status, retried.body.outcome]).toEqual([202, 'queued']);
    const state = (await server.call('GET', `/api/agents/${id}/runtime-state`)).body;
    expect(state).toMatchObject({ agentId: id, totalRuns: expect.any(Number) });
  });

  it('with a prompt of one MiB arrives whole; a larger body is refused', async () => {
    const id = await createAgent();
    const prompt = 'p'.repeat(1_048_576);
    const woken = await server.call('POST', `/api/agents/${id}/wakeup`, { body: { prompt } });
    expect([woken.status, woken.body.run.prompt.length]).toEqual([202, prompt.length]);
    const refused = await server.call('POST', `/api/agents/${id}/wakeup`, { body: { prompt: 'p'.repeat(2_200_000) } });
    expect([refused.status, refused.body.code]).toEqual([413, 'body_too_large']);
  });

  it('with the same idempotency key, in body or header, is answered the same way once', async () => {
    const id = await createAgent();
    const inBody = await server.call('POST', `/api/agents/${id}/wakeup`, { body: { idempotencyKey: 'k1' } });
    const inHeader = await server.call('POST', `/api/agents/${id}/wakeup`, { headers: { 'idempotency-key': 'k1' } });
    expect(inHeader.body.run.id).toBe(inBody.body.run.id);
    expect(inHeader.body.wakeupRequest.id).toBe(inBody.body.wakeupRequest.id);
  });
});

describe('a log', () => {
  it('is read as records, text and lines, from an offset, a seq and the tail, and is complete only at its end', async () => {
    const id = await createAgent({ lines: ['one', 'two', 'three', 'four'] });
    const runId = await runToEnd(id);
    const path = `/api/heartbeat-runs/${runId}/log`;
    const whole = (await server.call('GET', path)).body;
    const text = whole.records.map((record: { text: string }) => record.text).join('');
    expect(text).toBe('one\ntwo\nthree\nfour\n');
    expect(whole).toMatchObject({ complete: true, nextOffset: whole.endOffset });
    expect(whole.records[0]).toEqual({ seq: 1, at: expect.any(String), stream: 'stdout', text: expect.any(String) });
    const asText = await server.call('GET', `${path}?format=text`);
    expect([asText.headers.get('content-type'), asText.text]).toEqual(['text/plain; charset=utf-8', text]);
    const asLines = await server.call('GET', `${path}?format=ndjson`);
    expect(
      asLines.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).text)
        .join(''),
    ).toBe(text);
    const page = await server.call('GET', `${path}?format=text&limitBytes=1`);
    expect(Number(page.headers.get('runbeat-next-offset'))).toBeGreaterThan(0);
    expect((await server.call('GET', `${path}?offset=1`)).body.code).toBe('log_offset_invalid');
    expect((await server.call('GET', `${path}?offset=1&after=1`)).body).toMatchObject({
      code: 'request_invalid',
      errors: [{ field: 'query.offset' }],
    });
    expect((await server.call('GET', `${path}?after=99999`)).body.records).toEqual([]);
  });

  it('of a run that has not begun is an empty page', async () => {
    const id = await createAgent({ isWaiting: true });
    const woken = await server.call('POST', `/api/agents/${id}/wakeup`);
    const { status, body } = await server.call('GET', `/api/heartbeat-runs/${woken.body.run.id}/log`);
    expect([status, body]).toEqual([200, { records: [], nextOffset: 0, endOffset: 0, complete: false }]);
    await server.call('POST', `/api/heartbeat-runs/${woken.body.run.id}/cancel`);
  });
});

describe('issues', () => {
  it('are created, assigned, commented, taken and listed', async () => {
    const agentId = await createAgent({ isWaiting: true });
    const created = await server.call('POST', `/api/companies/${server.company.id}/issues`, {
      body: { title: 'Fix it', description: 'now' },
    });
    expect(created.status).toBe(201);
    const issueId = created.body.id as string;
    const both = await server.call('PATCH', `/api/issues/${issueId}`, {
      body: { assigneeAgentId: agentId, assigneeUserId: 'me' },
    });
    expect(both.body.code).toBe('request_invalid');
    const woken = await server.call('POST', `/api/agents/${agentId}/wakeup`, { body: { issueId } });
    const runId = woken.body.run.id as string;
    await until(
      'the run to run',
      async () => (await server.call('GET', `/api/heartbeat-runs/${runId}`)).body.status === 'running',
    );
    const taken = await server.call('POST', `/api/issues/${issueId}/checkout`, { body: { runId } });
    expect(taken.body).toMatchObject({ checkoutRunId: runId, status: 'in_progress' });
    expect((await server.call('POST', `/api/issues/${issueId}/checkout`)).body.errors).toEqual([
      { field: 'body.runId', message: expect.any(String) },
    ]);
    const comment = await server.call('POST', `/api/issues/${issueId}/comments`, { body: { body: 'on it' } });
    expect([comment.status, comment.body.body]).toEqual([201, 'on it']);
    expect((await server.call('GET', `/api/issues/${issueId}/comments`)).body.items).toHaveLength(1);
    expect((await server.call('GET', `/api/issues/${issueId}/live-runs`)).body.items).toHaveLength(1);
    const released = await server.call('POST', `/api/issues/${issueId}/release`, { body: { runId } });
    expect(released.body.checkoutRunId).toBeNull();
    server.told.finish(runId);
  });
});

describe('requests that are wrong', () => {
  it.each([
    ['malformed JSON', 'POST', '/api/companies', '{"name": ', 400, 'body_malformed'],
    ['JSON nested too deep', 'POST', '/api/companies', `{"name": ${'['.repeat(70)}${']'.repeat(70)}}`, 400, 'body_malformed'],
    ['a poisoned prototype', 'POST', '/api/companies', '{"name": "x", "__proto__": {"a": 1}}', 400, 'body_malformed'],
    ['an unknown field', 'POST', '/api/companies', '{"name": "x", "nmae": 1}', 400, 'request_invalid'],
    ['no body', 'POST', '/api/companies', undefined, 400, 'request_invalid'],
    ['an id that is none', 'GET', '/api/agents/not-an-id', undefined, 400, 'request_invalid'],
    ['an id of nobody', 'GET', '/api/agents/00000000-0000-4000-8000-000000000000', undefined, 404, 'agent_not_found'],
    ['a path that is none', 'GET', '/api/nothing', undefined, 404, 'route_not_found'],
    ['a body over the limit', 'POST', '/api/companies', JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413, 'body_too_large'],
  ])('are answered with a problem document: %s', async (_title, method, path, body, status, code) => {
    const answer = await server.call(method, path, body === undefined ? {} : { body });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      type: expect.stringContaining(code),
      title: expect.any(String),
      detail: expect.any(String),
      remedy: expect.any(String),
    });
  });

  it('name the field', async () => {
    const { body } = await server.call('POST', '/api/companies', { body: { name: '', nmae: 1 } });
    expect(body.errors).toEqual(
      expect.arrayContaining([
        { field: 'body.name', message: expect.any(String) },
        { field: 'body.nmae', message: 'there is no such field' },
      ]),
    );
  });

  it('of another media type are refused', async () => {
    const answer = await server.call('POST', '/api/companies', {
      body: 'name=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([answer.status, answer.body.code]).toEqual([415, 'media_type_unsupported']);
  });
});

describe('operations', () => {
  it('tell health, readiness and figures', async () => {
    expect((await server.call('GET', '/healthz')).body).toMatchObject({ status: 'ok', version: 'test' });
    expect((await server.call('GET', '/readyz')).body).toMatchObject({
      status: 'ready',
      checks: [{ name: 'database', ok: true }],
    });
    const { text } = await server.call('GET', '/metrics');
    expect(text).toMatch(/runbeat_http_request_duration_ms_bucket/);
    expect(text).toMatch(/process_cpu_seconds_total/);
  });

  it('describe every route in a document and on a page that loads nothing from elsewhere', async () => {
    const { body } = await server.call('GET', '/api/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/api/companies',
        '/api/agents/{id}/wakeup',
        '/api/heartbeat-runs/{id}/log',
        '/api/companies/{companyId}/events',
      ]),
    );
    expect(body.components.schemas).toHaveProperty('Problem');
    expect(body.components.schemas).toHaveProperty('ServerMessage');
    const page = await server.call('GET', '/api/docs');
    expect(page.text).toContain('/api/agents/{id}/wakeup');
    expect(page.text).not.toMatch(/<script|src=|https?:\/\//);
  });

  it('log successful reads at debug only, and never a query or a body', async () => {
    const before = server.log.lines.length;
    await server.call('GET', '/healthz?token=never-log-me');
    await server.call('GET', `/api/companies/${server.company.id}/live-runs`);
    await server.call('POST', '/api/companies', { body: { name: 'never-log-me' } });
    await until('the lines', () => server.log.lines.slice(before).filter(({ message }) => message === 'Request').length >= 3);
    const lines = server.log.lines.slice(before).filter(({ message }) => message === 'Request');
    expect(lines.map(({ level }) => level)).toEqual(['debug', 'debug', 'info']);
    expect(JSON.stringify(lines)).not.toContain('never-log-me');
  });
});
