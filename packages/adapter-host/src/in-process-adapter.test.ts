import type { AdapterV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { expect, test } from 'vitest';
import { executeContext } from '../test/execute-context.js';
import { createInProcessAdapter } from './in-process-adapter.js';
import { loadAdapter } from './load-adapter.js';

function adapterThat(execute: AdapterV1['execute'], more: Partial<AdapterV1> = {}): AdapterV1 {
  return {
    specVersion: 'adapter-v1',
    type: 'plain',
    configSchema: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
    hasOutOfProcessLiveness: false,
    execute,
    ...more,
  } as AdapterV1;
}

test('an object is loaded as it is, with its runs counted', async () => {
  let finish = (_result: RunResultV1): void => {};
  const loaded = createInProcessAdapter(
    adapterThat(() => new Promise((resolve) => (finish = resolve))),
    { version: '1.2.3' },
  );
  expect(loaded).toMatchObject({
    type: 'plain',
    version: '1.2.3',
    isolation: 'in-process',
    state: 'ready',
    configJsonSchema: null,
  });
  const run = loaded.adapter.execute(executeContext({}));
  expect(loaded.runningRuns).toBe(1);
  const drained = loaded.drain();
  await expect(loaded.adapter.execute(executeContext({}))).rejects.toMatchObject({ code: 'adapter_unavailable' });
  finish({ status: 'succeeded' });
  await drained;
  expect(await run).toEqual({ status: 'succeeded' });
  expect(loaded.runningRuns).toBe(0);
});

test('an answer against the contract rejects', async () => {
  const loaded = createInProcessAdapter(adapterThat(async () => ({ status: 'fine' }) as never));
  await expect(loaded.adapter.execute(executeContext({}))).rejects.toMatchObject({
    code: 'adapter_result_invalid',
    message: expect.stringContaining('plain answered execute'),
  });
  expect(loaded.runningRuns).toBe(0);
});

test('every member at fault is named', () => {
  const broken = adapterThat(undefined as never, { type: 'Not A Type', hasOutOfProcessLiveness: true } as never);
  expect(() => createInProcessAdapter(broken)).toThrow(/type must match.*execute must be a function.*outOfProcess is required/);
  expect(() => createInProcessAdapter({ ...broken, specVersion: 'adapter-v9' } as never)).toThrow(
    expect.objectContaining({ code: 'adapter_incompatible' }),
  );
});

test('an object cannot be isolated', async () => {
  const adapter = adapterThat(async () => ({ status: 'succeeded' }));
  await expect(loadAdapter({ source: { kind: 'object', adapter }, isolation: 'worker' })).rejects.toMatchObject({
    code: 'adapter_invalid',
  });
});

test('a closed adapter is removed for good and says so to its listeners', async () => {
  const loaded = createInProcessAdapter(adapterThat(async () => ({ status: 'succeeded' })));
  const states: string[] = [];
  loaded.onStateChange((status) => states.push(status.state));
  await loaded.close();
  await loaded.close();
  expect(states).toEqual(['removed']);
  await expect(loaded.adapter.execute(executeContext({}))).rejects.toMatchObject({ code: 'adapter_unavailable' });
});
