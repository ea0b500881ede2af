import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import { expect, test } from 'vitest';
import { isPaperclipModule, liftPaperclipModule } from './index.js';

type Execute = (context: {
  [key: string]: unknown;
  config: Record<string, unknown>;
  onLog: (stream: string, chunk: unknown) => Promise<void>;
  onSpawn: (meta: unknown) => Promise<void>;
  onEvent: (event: unknown) => Promise<void>;
}) => unknown;

const moduleThat = (execute: Execute, more: object = {}) => ({
  type: 'fixture',
  execute,
  testEnvironment: () => ({ checks: [] }),
  ...more,
});
const lift = (execute: Execute, more: object = {}): Promise<AdapterV1> => liftPaperclipModule(moduleThat(execute, more));
const ended = { exitCode: 0, signal: null, timedOut: false };

test('modules are recognised by what they export', () => {
  expect(isPaperclipModule({ createServerAdapter() {} })).toBe(true);
  expect(isPaperclipModule({ execute() {}, sessionCodec: {} })).toBe(true);
  expect(isPaperclipModule({ execute() {}, testEnvironment() {} })).toBe(true);
  expect(isPaperclipModule({ execute() {} })).toBe(false);
  expect(isPaperclipModule({ specVersion: 'adapter-v1', execute() {}, testEnvironment() {} })).toBe(false);
  expect(isPaperclipModule(null)).toBe(false);
  expect(isPaperclipModule(() => {})).toBe(false);
});

test('the type of an older module comes from the main module of its package', async () => {
  const server = { execute: () => ended, sessionCodec: {} };
  expect((await liftPaperclipModule(server, { siblings: [{ type: 'older_local' }] })).type).toBe('older_local');
  await expect(liftPaperclipModule(server)).rejects.toMatchObject({ code: 'paperclip_module_invalid' });
  await expect(liftPaperclipModule({ createServerAdapter: () => null })).rejects.toMatchObject({
    code: 'paperclip_module_invalid',
  });
  await expect(liftPaperclipModule({ createServerAdapter: () => ({ type: 'x' }) })).rejects.toThrow('no function execute');
});

test('a module gets the agent, the wakeup, the run’s variables and its prompt under the names it knows', async () => {
  let seen: Record<string, unknown> = {};
  const adapter = await lift((context) => {
    seen = context;
    return ended;
  });
  const run = createRecordingContext({
    runId: 'run-9',
    config: { model: 'm', env: { OWN: '1' } },
    input: {
      prompt: 'Fix it',
      reason: 'assigned',
      source: 'assignment',
      payload: { commentId: 'c-1' },
      issue: { id: 'i-1', title: 'Bug', description: null, status: 'todo' },
      taskKey: 'i-1',
    },
  });
  await run.execute(adapter);
  expect(seen).toMatchObject({
    runId: 'run-9',
    agent: { id: 'agent-1', companyId: 'company-1', adapterType: 'fixture', adapterConfig: { model: 'm' } },
    runtime: { sessionId: null, sessionParams: null, sessionDisplayId: null, taskKey: 'i-1' },
    config: { model: 'm', env: { OWN: '1', RUNBEAT_RUN_ID: 'run-9' }, promptTemplate: '{{context.prompt}}' },
    context: {
      prompt: 'Fix it',
      wakeReason: 'assigned',
      wakeSource: 'assignment',
      issueId: 'i-1',
      taskId: 'i-1',
      commentId: 'c-1',
    },
    authToken: run.token,
  });
});

test('a template of the operator is left alone', async () => {
  let template: unknown;
  const adapter = await lift(({ config }) => {
    template = config['promptTemplate'];
    return ended;
  });
  await createRecordingContext({ config: { promptTemplate: 'Do {{x}}' }, input: { prompt: 'other' } }).execute(adapter);
  expect(template).toBe('Do {{x}}');
});

test.each<[string, object, object]>([
  ['exit code 0', ended, { status: 'succeeded' }],
  ['no exit code and no message', { exitCode: null }, { status: 'succeeded' }],
  ['an exit code', { exitCode: 3 }, { status: 'failed', error: { code: 'exit_nonzero', exitCode: 3, retryable: false } }],
  [
    'a message in spite of exit code 0',
    { exitCode: 0, errorMessage: 'no' },
    { status: 'failed', error: { code: 'adapter_error', message: 'no' } },
  ],
  [
    'a signal',
    { exitCode: null, signal: 'SIGKILL' },
    { status: 'failed', error: { code: 'killed_by_signal', signal: 'SIGKILL' } },
  ],
  ['a code of its own', { exitCode: 1, errorCode: 'auth' }, { status: 'failed', error: { code: 'fixture.auth' } }],
  ['a known code', { exitCode: 1, errorCode: 'oom_killed' }, { status: 'failed', error: { code: 'oom_killed' } }],
  [
    'an error that passes',
    { exitCode: 1, errorFamily: 'transient_upstream', retryNotBefore: '2030-01-01T00:00:00Z' },
    {
      status: 'failed',
      error: { retryable: true, retryNotBefore: '2030-01-01T00:00:00Z', detail: { errorFamily: 'transient_upstream' } },
    },
  ],
  [
    'its own time limit',
    { exitCode: null, signal: 'SIGTERM', timedOut: true },
    { status: 'timed_out', limitMs: 5_000, forced: false },
  ],
])('a result with %s is told in the contract’s words', async (_title, result, expected) => {
  const adapter = await lift(() => result);
  expect(await createRecordingContext({ config: { timeoutSec: 5 } }).execute(adapter)).toMatchObject(expected);
});

test('usage, cost, model, summary and result are handed on, and keys that are not known are tolerated', async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const adapter = await lift(() => ({
    ...ended,
    usage: { inputTokens: 5, outputTokens: 7, cachedInputTokens: null, other: 1 },
    usageBasis: 'per_run',
    provider: 'qwen',
    model: 'coder',
    costUsd: 0.25,
    summary: 'done',
    resultJson: { a: [1] },
    runtimeServices: cyclic,
    question: null,
  }));
  expect(await createRecordingContext({ config: {} }).execute(adapter)).toEqual({
    status: 'succeeded',
    usage: { inputTokens: 5, outputTokens: 7 },
    provider: 'qwen',
    model: 'coder',
    costUsd: 0.25,
    summary: 'done',
    resultJson: { a: [1] },
  });
});

const codec = {
  serialize: (params: { sessionId: string }) => ({ packed: params.sessionId }),
  deserialize: (raw: { packed: string }) => ({ sessionId: raw.packed }),
  getDisplayId: (params: { sessionId: string }) => `display ${params.sessionId}`,
};

test.each([[codec], [null]])('a session makes the round trip to the next run (codec: %o)', async (sessionCodec) => {
  const runtimes: unknown[] = [];
  const adapter = await lift(
    ({ runtime }) => {
      runtimes.push(runtime);
      return { ...ended, sessionParams: { sessionId: 's-1' }, sessionDisplayId: null };
    },
    { sessionCodec },
  );
  const first = await createRecordingContext({ config: {} }).execute(adapter);
  const stored = JSON.parse(JSON.stringify(first.session)) as Json;
  await createRecordingContext({ config: {}, previousSession: stored }).execute(adapter);
  expect(runtimes[0]).toMatchObject({ sessionId: null, sessionParams: null });
  expect(runtimes[1]).toMatchObject({ sessionId: 's-1', sessionParams: { sessionId: 's-1' } });
});

test.each<[string, object, Json | undefined]>([
  ['says nothing of a session', {}, undefined],
  ['clears it', { clearSession: true, sessionId: 'x' }, null],
  ['has none', { sessionParams: null }, null],
  ['has an id of the older kind', { sessionId: 'old' }, { params: { sessionId: 'old' }, sessionId: 'old', displayId: 'old' }],
])('a result that %s leaves the session accordingly', async (_title, result, session) => {
  const adapter = await lift(() => ({ ...ended, ...result }));
  expect((await createRecordingContext({ config: {} }).execute(adapter)).session).toEqual(session);
});

test('a module that throws before it started anything did not start', async () => {
  const adapter = await lift(() => {
    throw new Error('Command not found in PATH: "qwen"');
  });
  expect(await createRecordingContext({ config: {} }).execute(adapter)).toMatchObject({
    status: 'failed',
    error: { code: 'start_failed', message: 'Command not found in PATH: "qwen"' },
  });
});

test('a module that answers nothing is a bug of the module', async () => {
  const adapter = await lift(() => undefined);
  expect(await createRecordingContext({ config: {} }).execute(adapter)).toMatchObject({
    status: 'failed',
    error: { code: 'adapter_error' },
  });
});

test('a module that hangs is given up after its abort, and what it says later goes nowhere', async () => {
  let late = (): Promise<void> => Promise.resolve();
  const adapter = await lift(({ onLog }) => {
    late = () => onLog('stdout', 'late');
    void onLog('stdout', 'hanging');
    return new Promise(() => {});
  });
  const run = createRecordingContext({ config: {} });
  const running = run.execute(adapter);
  await run.waitUntil('the module hangs', () => run.output().includes('hanging'));
  run.abort({ kind: 'cancelled' });
  expect(await running).toEqual({ status: 'cancelled', forced: true });
  await late();
  expect(run.violations).toEqual([]);
  expect(run.calls.at(-1)).toMatchObject({ kind: 'event', event: { type: 'fixture.abandoned', level: 'warn' } });
});

test('a fenced run is left alone at once', async () => {
  const adapter = await lift(() => new Promise(() => {}));
  const run = createRecordingContext({ config: {} });
  const running = run.execute(adapter);
  run.abort({ kind: 'fenced' });
  expect(await running).toMatchObject({ status: 'cancelled' });
});

test('a module that says its work outlives the host becomes log-driven and detaches at a shutdown', async () => {
  const adapter = await lift(() => new Promise(() => {}), { hasOutOfProcessLiveness: true });
  expect(adapter).toMatchObject({ hasOutOfProcessLiveness: true, outOfProcess: { kind: 'log-driven' } });
  const run = createRecordingContext({ config: {} });
  const running = run.execute(adapter);
  run.abort({ kind: 'host_shutdown' });
  expect(await running).toEqual({ status: 'detached' });
  const signal = new AbortController().signal;
  const query = { runId: run.runId, handle: null, config: {}, reason: 'lost', signal };
  expect(await adapter.outOfProcess?.terminate(query)).toEqual({ stopped: 'already_gone' });
});

test('a log that the host refuses ends a run whose module did not care', async () => {
  const adapter = await lift(async ({ onLog }) => {
    await onLog('stdout', 'x').catch(() => {});
    return ended;
  });
  const run = createRecordingContext({ config: {}, onLog: () => Promise.reject(new Error('store away')) });
  await expect(run.execute(adapter)).rejects.toThrow('store away');
});

test('events of newer modules are told under the adapter’s type', async () => {
  const adapter = await lift(async ({ onEvent }) => {
    await onEvent({ eventType: 'phase', level: 'warn', message: 'thinking', payload: { n: 1 } });
    await onEvent('nonsense');
    return ended;
  });
  const run = createRecordingContext({ config: {} });
  await run.execute(adapter);
  expect(run.calls).toEqual([
    { kind: 'event', event: { type: 'fixture.phase', level: 'warn', message: 'thinking', data: { n: 1 } } },
  ]);
});
