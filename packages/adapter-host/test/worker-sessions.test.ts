import type { InteractiveV1, RunHandleV1, SessionContextV1, SessionOutputV1 } from '@runbeat/adapter-sdk';
import { expect, test } from 'vitest';
import type { LoadedAdapter } from '../src/index.js';
import { fixture, loadScripted } from './load-scripted.js';

interface Recording extends SessionContextV1 {
  readonly outputs: { output: SessionOutputV1; cursor: string | undefined }[];
  readonly handles: RunHandleV1[];
  readonly controller: AbortController;
}

function sessionContext(config: unknown = {}): Recording {
  const outputs: Recording['outputs'] = [];
  const handles: RunHandleV1[] = [];
  const controller = new AbortController();
  return {
    sessionId: 's-1',
    workerId: 'w-1',
    config,
    agent: { id: 'a', companyId: 'c', name: 'Ada', role: 'engineer' },
    environment: {},
    previousSession: null,
    signal: controller.signal,
    onSpawn: async (handle) => void handles.push(handle),
    onOutput: async (output, mark) => void outputs.push({ output, cursor: mark?.cursor }),
    onEvent: async () => undefined,
    outputs,
    handles,
    controller,
  };
}

async function load(): Promise<{ loaded: LoadedAdapter; interactive: InteractiveV1 }> {
  const { loaded } = await loadScripted({ source: { kind: 'module', specifierOrPath: fixture('conversing-adapter.mjs') } });
  const { interactive } = loaded.adapter;
  if (!interactive) throw new TypeError('the fixture holds conversations');
  return { loaded, interactive };
}

test('a conversation crosses the border: prompts, outputs in order with cursors, answers, the state to resume, the end', async () => {
  const { loaded, interactive } = await load();
  expect(loaded.capabilities.interactive).toEqual({ protocol: 'json-rpc-lines', canReattach: true });
  const context = sessionContext();
  const worker = await interactive.open(context);
  expect(context.handles).toEqual([{ kind: 'external', formatVersion: 1, ref: { worker: 'w-1' } }]);
  expect(worker.resumeState).toEqual({ startedAs: 'opened', turns: 0 });
  expect(loaded.runningRuns).toBe(1);
  expect(await worker.prompt('p-1', { text: 'hello' })).toEqual({ written: true });
  expect(context.outputs).toEqual([
    { output: { kind: 'acknowledged', promptId: 'p-1' }, cursor: undefined },
    { output: { kind: 'update', promptId: 'p-1', update: { echo: { text: 'hello' } } }, cursor: '1' },
    { output: { kind: 'completed', promptId: 'p-1', result: { turns: 1 } }, cursor: undefined },
  ]);
  expect(worker.resumeState).toEqual({ startedAs: 'opened', turns: 1 });
  expect(await worker.prompt('p-2', 'broken')).toEqual({ written: false, reason: 'stdin_broken', message: 'nobody reads' });
  expect(await worker.answer('r-1', { allow: true })).toEqual({ written: true });
  expect(await worker.cancel('p-2')).toEqual({ written: true });
  expect(context.outputs.slice(3).map(({ output }) => output.kind)).toEqual(['update', 'cancelled']);
  expect(await worker.stop({ graceMs: 10 })).toEqual({ stopped: 'graceful' });
  expect(await worker.exited).toMatchObject({ exitCode: 0, reason: 'stop', stderrTail: 'tail' });
  expect(await worker.stop({ graceMs: 10 })).toEqual({ stopped: 'already_gone' });
  expect(await worker.prompt('p-3', 'late')).toMatchObject({ written: false, reason: 'stdin_broken' });
  expect(loaded.runningRuns).toBe(0);
});

test('an abort reaches a session and its end comes back', async () => {
  const { interactive } = await load();
  const context = sessionContext();
  const worker = await interactive.open(context);
  context.controller.abort({ kind: 'host_shutdown' });
  expect(await worker.exited).toMatchObject({ reason: 'host_shutdown' });
});

test('a session that cannot be opened rejects with what the adapter threw', async () => {
  const { loaded, interactive } = await load();
  await expect(interactive.open(sessionContext({ refuse: true }))).rejects.toThrow('no such program');
  expect(loaded.runningRuns).toBe(0);
});

test('a crash of the worker ends its sessions with the reason, and writes after it are broken', async () => {
  const { loaded, interactive } = await load();
  const worker = await interactive.open(sessionContext());
  await worker.prompt('p-1', 'crash');
  expect(await worker.exited).toMatchObject({ reason: 'process_exit', message: expect.stringContaining('adapter_crashed') });
  expect(await worker.prompt('p-2', 'hello')).toMatchObject({ written: false, reason: 'stdin_broken' });
  expect(loaded.runningRuns).toBe(0);
});

test('a session is taken over by its handle, or known to be gone', async () => {
  const { interactive } = await load();
  const context = sessionContext();
  const more = { afterCursor: '7', promptsInFlight: ['p-1'], requestsOpen: [] };
  const handle = (ref: string) => ({ kind: 'external', formatVersion: 1, ref }) as const;
  expect(await interactive.reattach?.({ ...context, ...more, handle: handle('gone') })).toBeNull();
  const worker = await interactive.reattach?.({ ...context, ...more, handle: handle('there') });
  expect(worker?.resumeState).toEqual({ startedAs: 'reattached after 7 with p-1', turns: 0 });
  await worker?.stop({ graceMs: 10 });
});

test('what the adapter says of a config’s protocol is known here for every config that was validated', async () => {
  const { loaded, interactive } = await load();
  const { validate } = loaded.adapter.configSchema['~standard'];
  const [single, other] = await Promise.all([validate({ single: true }), validate({})]);
  if (single.issues || other.issues) throw new TypeError('both configs are valid');
  expect(interactive.protocolFor?.(single.value)).toBeNull();
  expect(interactive.protocolFor?.(other.value)).toBe('acp');
  expect(interactive.protocolFor?.({ never: 'validated' })).toBe('json-rpc-lines');
});
