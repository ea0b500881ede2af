import { randomBytes, randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noLogger, noMetrics } from '../../supervisor/ports/index.js';
import { createMemoryRunnerStore } from '../memory-runner-store.js';
import { createRunnerService, type RunnerService } from '../runner-service.js';
import { runnerSettingsSchema } from '../runner-settings.js';
import { runnerProtocolRoutes } from './runner-protocol-routes.js';
import { runnerRoutes } from './runner-routes.js';

let app: FastifyInstance;
let service: RunnerService;
let runnerId: string;
const token = `rbr_${randomBytes(32).toString('base64url')}`;
const profile = { name: 'one', labels: ['test'], adapters: [{ type: 'local', version: null }], slots: 2, version: '0' };
const session = (change: object = {}) => ({
  ...profile,
  homeId: randomUUID(),
  instanceId: randomUUID(),
  bootId: 'boot',
  isTakeover: true,
  jobs: [],
  ...change,
});
const client = {
  status: 'streaming',
  streamConnected: true,
  streamConnectedSince: null,
  reconnectCount: 0,
  reconnectsLast10m: 0,
  consecutiveFailures: 0,
  nextRetryAt: null,
  lastPollOkAt: null,
  serverContactAgeMs: 0,
  lastHeartbeatAt: null,
  lastHeartbeatOk: null,
  lastError: null,
  lastErrorAt: null,
  lastClaimAt: null,
  lastClaimResult: null,
  outboxDepth: 0,
  spoolBytesUnacked: 0,
  spoolBlockedReason: null,
  adapterIssues: [],
};

beforeEach(async () => {
  service = createRunnerService({
    store: createMemoryRunnerStore(),
    settings: runnerSettingsSchema.parse({}),
    clock: {
      now: () => new Date(),
      monotonicMs: () => performance.now(),
      setTimer(ms, callback) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
    logger: noLogger,
    metrics: noMetrics,
    runStatus: async () => 'unknown',
  });
  app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(runnerProtocolRoutes(service));
  await app.register(runnerRoutes({ service, companyOf: () => null }));
  await service.start();
  runnerId = (await call('POST', '/api/runners', { token, ...profile })).json().id;
});
afterEach(() => app.close());

const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object, headers: Record<string, string> = {}) =>
  app.inject({ method, url, headers: { authorization: `Bearer ${token}`, ...headers }, ...(body ? { payload: body } : {}) });
const protocol = (path: string, body: object, headers?: Record<string, string>) =>
  call('POST', `/api/runners/${runnerId}/v1/${path}`, body, headers);
const open = async (change?: object): Promise<string> => (await protocol('sessions', session(change))).json().sessionId;

describe('who is let in', () => {
  test('registering twice with one token is registering once', async () => {
    expect((await call('POST', '/api/runners', { token, ...profile })).json().id).toBe(runnerId);
  });
  test('another token, or none, is 401; an unknown runner 404; another version of the protocol 426', async () => {
    const other = { authorization: `Bearer rbr_${randomBytes(32).toString('base64url')}` };
    expect(await protocol('sessions', session(), other)).toMatchObject({ statusCode: 401 });
    expect((await protocol('sessions', session(), { authorization: '' })).json()).toMatchObject({ code: 'runner_token_invalid' });
    const unknown = await call('POST', `/api/runners/${randomUUID()}/v1/sessions`, session());
    expect([unknown.statusCode, unknown.json().code]).toEqual([404, 'runner_unknown']);
    const future = await call('POST', `/api/runners/${runnerId}/v9/sessions`, session());
    expect([future.statusCode, future.json().code]).toEqual([426, 'runner_protocol_unsupported']);
  });
  test('a removed runner is unknown from then on', async () => {
    expect((await call('DELETE', `/api/runners/${runnerId}`)).statusCode).toBe(204);
    expect((await protocol('sessions', session())).statusCode).toBe(404);
  });
  test('no answer and no list holds a token or its hash', async () => {
    await open();
    const texts = await Promise.all(
      ['/api/runners', `/api/runners/${runnerId}`, `/api/runners/${runnerId}/health`].map((url) => call('GET', url)),
    );
    for (const answer of texts) {
      expect(answer.statusCode).toBe(200);
      expect(answer.body).not.toContain(token);
      expect(answer.body).not.toMatch(/tokenHash|[0-9a-f]{64}/);
    }
  });
});

describe('sessions', () => {
  test('a newer one fences the older; a polite one waits for the lease of the other', async () => {
    const first = await open();
    const second = await open();
    const poll = { cursor: 0, waitMs: 0, freeSlots: 1 };
    const refused = await protocol('poll', { ...poll, sessionId: first });
    expect([refused.statusCode, refused.json().code]).toEqual([409, 'session_superseded']);
    expect((await protocol('poll', { ...poll, sessionId: second })).statusCode).toBe(200);
    const polite = await protocol('sessions', session({ isTakeover: false }));
    expect([polite.statusCode, polite.json().code]).toEqual([409, 'session_active']);
  });
  test('an unknown session or a cursor of another one asks for a new session', async () => {
    const unknown = await protocol('poll', { sessionId: randomUUID(), cursor: 0, waitMs: 0, freeSlots: 1 });
    expect([unknown.statusCode, unknown.json().code]).toEqual([409, 'session_resync']);
    const sessionId = await open();
    expect((await protocol('poll', { sessionId, cursor: 99, waitMs: 0, freeSlots: 1 })).json().code).toBe('session_resync');
  });
  test('a poll that is held is answered with 503 when the server stops', async () => {
    const sessionId = await open();
    const held = protocol('poll', { sessionId, cursor: 0, waitMs: 20_000, freeSlots: 1 });
    await expect.poll(() => service.list()[0]?.runner.pollAgeMs).not.toBeNull();
    await service.stop();
    expect((await held).statusCode).toBe(503);
  });
});

describe('jobs that are not ours', () => {
  test('each call about an unknown run says so, and a heartbeat calls it unknown', async () => {
    const sessionId = await open();
    const runId = randomUUID();
    const guard = { sessionId, leaseEpoch: 1, idempotencyKey: 'k' };
    expect((await protocol(`jobs/${runId}/claim`, guard)).json().code).toBe('run_unknown');
    const finish = { ...guard, result: { status: 'succeeded' }, logBytes: 0, chain: '' };
    expect((await protocol(`jobs/${runId}/finish`, finish)).json().code).toBe('run_unknown');
    const log = await app.inject({
      method: 'PATCH',
      url: `/api/runners/${runnerId}/v1/jobs/${runId}/log`,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/x-ndjson',
        'content-range': 'bytes 0-1/*',
        'runbeat-session': sessionId,
        'runbeat-lease-epoch': '1',
      },
      payload: '{\n',
    });
    expect(log.json().code).toBe('run_unknown');
    const jobs = [{ runId, leaseEpoch: 1, phase: 'running', logEnd: 0, aliveAt: null }];
    expect((await protocol('heartbeat', { sessionId, jobs, client })).json().jobs).toMatchObject([{ runId, verdict: 'unknown' }]);
  });
});

describe('health', () => {
  const health = async () => (await call('GET', `/api/runners/${runnerId}/health`)).json();
  test('registered, connected, heard, disabled', async () => {
    expect(await health()).toMatchObject({ runner: { livenessStatus: 'never_seen' }, health: { status: 'degraded' } });
    const sessionId = await open();
    await protocol('poll', { sessionId, cursor: 0, waitMs: 0, freeSlots: 1 });
    await protocol('heartbeat', { sessionId, jobs: [], client });
    expect(await health()).toMatchObject({ runner: { livenessStatus: 'online' }, health: { status: 'healthy', issues: [] } });
    await call('PATCH', `/api/runners/${runnerId}`, { adminStatus: 'disabled' });
    expect(await health()).toMatchObject({ health: { status: 'unhealthy', issues: [{ code: 'disabled' }] } });
  });
  test('a runner that says it is reconnecting, or that its last heartbeat failed, is degraded', async () => {
    const sessionId = await open();
    await protocol('poll', { sessionId, cursor: 0, waitMs: 0, freeSlots: 1 });
    await protocol('heartbeat', { sessionId, jobs: [], client: { ...client, lastHeartbeatOk: false, reconnectsLast10m: 9 } });
    const { health: derived } = await health();
    expect(derived.status).toBe('degraded');
    expect(derived.issues.map((issue: { code: string }) => issue.code)).toEqual(['heartbeat_failed', 'flapping']);
  });
});
