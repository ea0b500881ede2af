import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arbitraryFromSchema, nastyText, type SchemaNode } from './support/arbitrary-from-schema.js';
import { createTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: SchemaNode }[];
  readonly body: SchemaNode | undefined;
  readonly isOpen: boolean;
}

let server: TestServer;
let operations: readonly Operation[];
let resolve: (ref: string) => SchemaNode;
let keys: Record<'operator' | 'ours' | 'foreign' | 'agent' | 'runner', string>;
/** Ids of rows of the company `ours`, by the word that their routes' paths hold. */
let ids: Record<'companies' | 'agents' | 'heartbeat-runs' | 'issues' | 'api-keys', string>;
/** Must never be in an answer to a foreign key. */
const mark = 'SECRET-OF-OURS';

beforeAll(async () => {
  server = await createTestServer({ mode: 'token' });
  const [ours, theirs] = [await server.createCompany(mark), await server.createCompany('theirs')];
  const operator = await server.createKey('operator');
  const post = async (path: string, body: unknown) => (await server.call('POST', path, { token: operator, body })).body;
  const agent = await post(`/api/companies/${ours.id}/agents`, {
    name: `worker ${mark}`,
    adapterType: 'told',
    adapterConfig: { lines: [mark] },
  });
  const issue = await post(`/api/companies/${ours.id}/issues`, { title: mark });
  await post(`/api/issues/${issue.id}/comments`, { body: mark });
  const woken = await post(`/api/agents/${agent.id}/wakeup`, { prompt: mark, reason: mark });
  await until(
    'the run to end',
    async () => (await server.call('GET', `/api/heartbeat-runs/${woken.run.id}`, { token: operator })).body.finishedAt !== null,
  );
  const theirAgent = await post(`/api/companies/${theirs.id}/agents`, { name: 'theirs', adapterType: 'told' });
  const key = await post('/api/api-keys', { name: mark, scope: 'company', companyId: ours.id });
  ids = { companies: ours.id, agents: agent.id, 'heartbeat-runs': woken.run.id, issues: issue.id, 'api-keys': key.id };
  keys = {
    operator,
    ours: key.key,
    foreign: await server.createKey('company', theirs.id),
    agent: await server.createKey('agent', theirs.id, theirAgent.id),
    runner: await server.createKey('runner', theirs.id),
  };
  const document = (await server.call('GET', '/api/openapi.json')).body;
  resolve = (ref) => document.components.schemas[ref.split('/').at(-1) ?? ''];
  operations = Object.entries(document.paths as Record<string, Record<string, unknown>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, raw]) => {
      // biome-ignore lint/suspicious/noExplicitAny: the document is looked at as what it is.
      const operation = raw as any;
      return {
        method: method.toUpperCase(),
        path,
        parameters: operation.parameters ?? [],
        body: operation.requestBody?.content?.['application/json']?.schema,
        isOpen: (operation.security ?? []).length === 0,
      };
    }),
  );
});
afterAll(async () => {
  await server.close();
});

/** The path with ids of `ours` where its words say whose they are. */
function pathOf(operation: Operation): string {
  return operation.path
    .replace(/\/([a-z-]+)\/\{(?:id|companyId)\}/g, (_match, word: keyof typeof ids) => `/${word}/${ids[word] ?? ids.agents}`)
    .replace('{type}', 'told')
    .replace(/\{[^}]+\}/g, 'x');
}

/** Live streams never end by themselves; their refusals do. */
const inject = (operation: Operation, url: string, headers: Record<string, string>, body?: unknown) =>
  server.http.app.inject({
    method: operation.method as 'GET',
    url,
    headers: { host: '127.0.0.1', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) ?? 'null' }),
  });
const isStream = (operation: Operation) => operation.path.endsWith('/events') || operation.path.endsWith('/log/stream');

describe('every route of the document', () => {
  it('is one of these many', () => {
    expect(operations.length).toBeGreaterThan(45);
  });

  it('answers 401 without a token, unless it is open', async () => {
    for (const operation of operations) {
      const { statusCode } = await inject(operation, pathOf(operation), {});
      if (operation.isOpen) expect([operation, statusCode]).toEqual([operation, 200]);
      else expect([operation, statusCode]).toEqual([operation, 401]);
    }
  });

  it('shows nothing of another company to any key of a company: 404 or 403, and lists without it', async () => {
    for (const operation of operations) {
      if (operation.isOpen) continue;
      for (const key of [keys.foreign, keys.agent, keys.runner]) {
        if (isStream(operation) && operation.path.includes('runners')) continue;
        const answer = await inject(
          operation,
          pathOf(operation),
          { authorization: `Bearer ${key}` },
          operation.body ? {} : undefined,
        );
        expect([operation.method, operation.path, answer.statusCode < 500, answer.body.includes(mark)]).toEqual([
          operation.method,
          operation.path,
          true,
          false,
        ]);
        for (const id of Object.values(ids)) {
          const told = answer.statusCode < 300 && answer.body.includes(id);
          expect([operation.method, operation.path, told]).toEqual([operation.method, operation.path, false]);
        }
        const namesARow = /\{(?:id|companyId)\}/.test(operation.path);
        if (namesARow && !operation.body)
          expect([operation.method, operation.path, [403, 404].includes(answer.statusCode)]).toEqual([
            operation.method,
            operation.path,
            true,
          ]);
      }
    }
  });

  it('answers 403 to a scope that is too small', async () => {
    let refused = 0;
    for (const operation of operations) {
      if (operation.isOpen) continue;
      const { statusCode } = await inject(operation, pathOf(operation), { authorization: `Bearer ${keys.runner}` });
      if (statusCode === 403) refused += 1;
    }
    expect(refused).toBeGreaterThan(35);
  });

  it('takes any body, path, query and header without a failure of the server', async () => {
    const context = { resolve, ids: Object.values(ids) };
    const numRuns = Number(process.env['RUNBEAT_WALK_RUNS'] ?? 10);
    // What deletes comes last: the others need something to work on.
    const inOrder = [...operations].sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));
    for (const operation of inOrder) {
      // A stream that is accepted does not end; its inputs are ids and one number, tried by the routes' own tests.
      if (isStream(operation)) continue;
      const parts = Object.fromEntries(
        operation.parameters.map((parameter) => [
          `${parameter.in}:${parameter.name}`,
          arbitraryFromSchema(parameter.schema, context),
        ]),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.record(parts, { requiredKeys: Object.keys(parts).filter((name) => name.startsWith('path:')) }),
          operation.body ? arbitraryFromSchema(operation.body, context) : fc.constant(undefined),
          fc.constantFrom(keys.ours, keys.operator, keys.foreign),
          fc.dictionary(fc.constantFrom('idempotency-key', 'accept', 'x-other', 'last-event-id'), nastyText, { maxKeys: 2 }),
          async (values, body, key, rawHeaders) => {
            const part = (where: string) =>
              Object.entries(values)
                .filter(([name]) => name.startsWith(`${where}:`))
                .map(([name, value]) => [name.slice(where.length + 1), textOf(value)] as const);
            const path = part('path').reduce(
              (text, [name, value]) => text.replace(`{${name}}`, encodePart(value)),
              operation.path,
            );
            const query = part('query')
              .map(([name, value]) => `${name}=${encodePart(value)}`)
              .join('&');
            // What no client can send is not what a server must take.
            const headers = Object.fromEntries(
              Object.entries(rawHeaders).filter(([, value]) => /^[\x20-\x7e\x80-\xff]*$/.test(value)),
            );
            const answer = await inject(
              operation,
              query === '' ? path : `${path}?${query}`,
              { ...headers, authorization: `Bearer ${key}` },
              body,
            );
            if (answer.statusCode >= 500 || (key === keys.foreign && answer.body.includes(mark))) {
              throw new Failed(
                `${operation.method} ${path}?${query} ${JSON.stringify(body)} → ${answer.statusCode} ${answer.body}\n${server.log.text().slice(-2_000)}`,
              );
            }
            if (answer.statusCode >= 400)
              expect(answer.json()).toMatchObject({ code: expect.any(String), remedy: expect.any(String) });
          },
        ),
        { numRuns },
      );
    }
  });
});

class Failed extends Error {}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** A lone surrogate cannot be encoded; it travels as its replacement. */
function encodePart(value: string): string {
  return encodeURIComponent(value.replace(/\p{Surrogate}/gu, '\ufffd'));
}
