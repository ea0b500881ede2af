import { expect, test } from 'vitest';
import { executeContext } from './execute-context.js';
import { loadScripted } from './load-scripted.js';

test('a worker says what its adapter is', async () => {
  const { loaded } = await loadScripted();
  expect(loaded).toMatchObject({
    type: 'scripted',
    state: 'ready',
    lastError: null,
    isolation: 'worker',
    version: null,
    runningRuns: 0,
    configJsonSchema: { type: 'object', required: ['does'] },
    capabilities: {
      liveness: 'handle',
      hasOutOfProcessLiveness: true,
      canTestEnvironment: true,
      interactive: null,
      maxConcurrentRuns: 7,
    },
  });
});

test('a run reports its handle, output and events in order and gives its result back', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'succeed' });
  const run = loaded.adapter.execute(context);
  expect(loaded.runningRuns).toBe(1);
  expect(await run).toEqual({ status: 'succeeded', session: { n: 1 }, usage: { inputTokens: 3 }, summary: 'done' });
  expect(context.handles).toEqual([{ kind: 'external', formatVersion: 1, ref: { runId: 'run-1' } }]);
  expect(context.logs).toEqual([{ stream: 'stdout', text: 'hello\n', cursor: '6' }]);
  expect(context.events).toMatchObject([{ type: 'scripted.told', data: { prompt: 'do it' } }]);
  expect(loaded.runningRuns).toBe(0);
});

test('every log arrives once, in order, with the cursor that belongs to its end, however they were joined', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'log-lines', lines: 20_000, text: 'ä'.repeat(50) });
  expect(await loaded.adapter.execute(context)).toEqual({ status: 'succeeded' });
  const lines = context.logs
    .map((log) => log.text)
    .join('')
    .split('\n');
  expect(lines).toHaveLength(20_001);
  expect(lines.every((line, n) => n === 20_000 || line === `${n} ${'ä'.repeat(50)}`)).toBe(true);
  for (const log of context.logs) {
    expect(log.text.endsWith(`${log.cursor} ${'ä'.repeat(50)}\n`)).toBe(true);
    expect(Buffer.byteLength(log.text)).toBeLessThanOrEqual(65_536);
  }
  expect(context.logs.length).toBeLessThan(2_000);
});

test('a slow log sink holds the adapter back', async () => {
  const { loaded } = await loadScripted();
  const sizes: number[] = [];
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const context = executeContext(
    { does: 'log-lines', lines: 2_000, text: 'x'.repeat(1_000) },
    {
      onLog: async (_stream, text) => {
        await held;
        sizes.push(text.length);
      },
    },
  );
  const run = loaded.adapter.execute(context);
  // While the sink holds, questions are still answered and no more than the window is on its way.
  const report = await loaded.adapter.testEnvironment?.({ config: {}, environment: {}, signal: context.signal });
  expect(report).toEqual({ checks: [{ code: 'fine', level: 'ok', message: 'works' }] });
  expect(sizes).toEqual([]);
  release();
  expect(await run).toEqual({ status: 'succeeded' });
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(2_000_000);
});

test('a log that the host refuses makes later logs reject in the adapter, with the host’s code', async () => {
  const { loaded } = await loadScripted();
  const refusal = Object.assign(new Error('the log is full'), { code: 'log_limit_exceeded' });
  let count = 0;
  const context = executeContext(
    { does: 'log-until-refused' },
    {
      onLog: async () => {
        count += 1;
        if (count === 3) throw refusal;
      },
    },
  );
  expect(await loaded.adapter.execute(context)).toMatchObject({ status: 'failed', error: { message: 'the log is full' } });
  expect(count).toBe(3);
});

test('a refused log that no call of the adapter learned of rejects the run', async () => {
  const { loaded } = await loadScripted();
  const refusal = new Error('the store is away');
  const context = executeContext({ does: 'log-and-return' }, { onLog: () => Promise.reject(refusal) });
  await expect(loaded.adapter.execute(context)).rejects.toBe(refusal);
});

test('a handle that the host could not store rejects in the adapter', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'spawn-refused' }, { onSpawn: () => Promise.reject(new Error('not stored')) });
  await expect(loaded.adapter.execute(context)).rejects.toThrow('not stored');
});

test('an abort reaches the adapter with the reason of the contract', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'wait-for-abort' });
  const run = loaded.adapter.execute(context);
  await context.logged('waiting');
  context.controller.abort({ kind: 'timed_out', limitMs: 5, message: 'too long' });
  expect(await run).toMatchObject({
    status: 'cancelled',
    resultJson: { reason: { kind: 'timed_out', limitMs: 5, message: 'too long' } },
  });
});

test('a signal that had aborted before the call is seen at once', async () => {
  const { loaded } = await loadScripted();
  const controller = new AbortController();
  controller.abort({ kind: 'fenced' });
  const run = loaded.adapter.execute(executeContext({ does: 'wait-for-abort' }, { signal: controller.signal }));
  expect(await run).toMatchObject({ resultJson: { reason: { kind: 'fenced' } } });
});

test('probe, reattach and terminate cross the border', async () => {
  const { loaded } = await loadScripted();
  const { outOfProcess } = loaded.adapter;
  if (outOfProcess?.kind !== 'handle') throw new TypeError('the fixture has handle liveness');
  const context = executeContext({ does: 'succeed' });
  const handle = { kind: 'external', formatVersion: 1, ref: { job: 7 } } as const;
  const base = { runId: 'run-1', handle, config: {}, signal: context.signal };
  expect(await outOfProcess.probe(base)).toEqual({ state: 'alive' });
  expect(await outOfProcess.reattach({ ...context, handle, afterCursor: '12' })).toEqual({
    status: 'succeeded',
    summary: JSON.stringify(handle),
  });
  expect(context.logs).toEqual([{ stream: 'stdout', text: 'after 12', cursor: undefined }]);
  expect(await outOfProcess.terminate({ ...base, reason: 'lost' })).toEqual({ stopped: 'graceful' });
});

test('a probe that the adapter does not answer before its signal aborts is unknown', async () => {
  const { loaded } = await loadScripted();
  const { outOfProcess } = loaded.adapter;
  if (outOfProcess?.kind !== 'handle') throw new TypeError('the fixture has handle liveness');
  const handle = { kind: 'external', formatVersion: 1, ref: 'silent' } as const;
  const answer = await outOfProcess.probe({ runId: 'r', handle, config: {}, signal: AbortSignal.timeout(50) });
  expect(answer).toMatchObject({ state: 'unknown', message: expect.stringContaining('could not be asked') });
});

test('a config is parsed in the worker, and what cannot cross the border is parsed there again', async () => {
  const { loaded } = await loadScripted();
  const schema = loaded.adapter.configSchema['~standard'];
  expect(await schema.validate({ does: 1 })).toEqual({ issues: [{ message: 'does must be a text', path: ['does'] }] });
  await expect(schema.validate({ does: 'throw-in-schema' })).rejects.toThrow('the schema throws');
  const parsed = await schema.validate({ does: 'config', url: 'https://example.com/path' });
  if (parsed.issues) throw new TypeError('the config is valid');
  const result = await loaded.adapter.execute(executeContext(parsed.value));
  expect(result).toMatchObject({ resultJson: { isUrl: true, host: 'example.com' } });
});

test('the worker sees the environment that it was given and nothing of the host’s', async () => {
  const { loaded } = await loadScripted({ environment: { ONLY: 'this' } });
  expect(await loaded.adapter.execute(executeContext({ does: 'environment' }))).toMatchObject({ resultJson: { ONLY: 'this' } });
  const result = await loaded.adapter.execute(executeContext({ does: 'environment' }));
  expect(Object.keys(result.resultJson as object)).toEqual(['ONLY']);
});

test('what an adapter throws or answers against the contract rejects that run alone', async () => {
  const { loaded } = await loadScripted();
  const run = (does: string) => loaded.adapter.execute(executeContext({ does }));
  await expect(run('reject')).rejects.toMatchObject({ name: 'TypeError', message: 'a bug of the adapter' });
  await expect(run('answer-garbage')).rejects.toMatchObject({ code: 'adapter_result_invalid' });
  await expect(run('answer-nothing')).rejects.toMatchObject({ code: 'adapter_result_invalid' });
  await expect(run('answer-function')).rejects.toMatchObject({ code: 'adapter_result_invalid' });
  expect(await run('report-garbage')).toMatchObject({ status: 'failed', error: { code: 'adapter_invalid' } });
  expect(loaded.state).toBe('ready');
});

test('messages that an adapter posts on its own reach nobody, and it cannot get hold of the port', async () => {
  const { loaded } = await loadScripted();
  const first = await loaded.adapter.execute(executeContext({ does: 'post-garbage' }));
  expect(first).toMatchObject({ status: 'succeeded', resultJson: { sees: expect.not.arrayContaining(['port']) } });
  expect(loaded.state).toBe('ready');
});

test('output of a flooding worker is taken completely', async () => {
  const { loaded, output } = await loadScripted();
  await loaded.adapter.execute(executeContext({ does: 'flood' }));
  expect(output.text.length).toBe(200 * 100_000);
});

test('draining lets running runs end and takes no new ones', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'wait-for-abort' });
  const run = loaded.adapter.execute(context);
  await context.logged('waiting');
  const drained = loaded.drain();
  await expect(loaded.adapter.execute(executeContext({ does: 'succeed' }))).rejects.toMatchObject({
    code: 'adapter_unavailable',
  });
  await expect(loaded.drain({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  context.controller.abort({ kind: 'cancelled' });
  await drained;
  expect((await run).status).toBe('cancelled');
});

test('closing rejects the calls in flight and is final', async () => {
  const { loaded } = await loadScripted();
  const context = executeContext({ does: 'never-settle' });
  const run = loaded.adapter.execute(context);
  const rejected = expect(run).rejects.toMatchObject({ code: 'adapter_closed' });
  await context.logged('waiting');
  await loaded.close();
  await rejected;
  expect(loaded.state).toBe('removed');
  await loaded.close();
  await expect(loaded.adapter.execute(executeContext({ does: 'succeed' }))).rejects.toMatchObject({
    code: 'adapter_unavailable',
  });
});
