import { fileURLToPath } from 'node:url';
import { adapterConformance, commandScripts, createRecordingContext } from '@runbeat/adapter-testkit';
import { describe, expect, test } from 'vitest';
import { liftPaperclipModule } from '../src/index.js';

const modulePath = fileURLToPath(new URL('./fixtures/command-module.mjs', import.meta.url));
const adapter = await liftPaperclipModule(await import(modulePath));

describe('a lifted module that runs a command keeps the contract', () => {
  adapterConformance({
    test,
    createAdapter: () => adapter,
    scripts: commandScripts((command, args) => ({ command, args, graceSec: 1 })),
  });
});

test('what a module logs before it announces its process comes after the announcement', async () => {
  const run = createRecordingContext({ config: { command: process.execPath, args: ['-e', 'console.log("hi")'] } });
  expect(await run.execute(adapter)).toEqual({ status: 'succeeded' });
  expect(run.violations).toEqual([]);
  expect(run.calls.find((call) => call.kind !== 'event')).toMatchObject({
    kind: 'spawn',
    handle: { kind: 'process', processGroupId: expect.any(Number) },
  });
  expect(run.output('stdout')).toBe('hi\n');
  expect(JSON.stringify(run.calls)).not.toContain('secret prompt');
});

test('a handle that the host could not store ends what was started', async () => {
  const run = createRecordingContext({
    config: { command: 'sleep', args: ['1000'], graceSec: 1 },
    onSpawn: () => Promise.reject(new Error('not stored')),
  });
  await expect(run.execute(adapter)).rejects.toThrow('not stored');
  const pid = run.handle?.kind === 'process' ? run.handle.pid : 0;
  expect(pid).toBeGreaterThan(1);
  expect(() => process.kill(pid, 0)).toThrow();
});

test('the module’s form becomes the config’s JSON Schema, and its required fields are asked for', async () => {
  const { validate, jsonSchema } = adapter.configSchema['~standard'] as never as {
    validate(value: unknown): unknown;
    jsonSchema: { input(): unknown };
  };
  expect(jsonSchema.input()).toMatchObject({
    type: 'object',
    required: ['command'],
    properties: {
      command: { type: 'string', title: 'Command' },
      verbose: { type: 'boolean', default: false },
      mode: { enum: ['a', 'b'] },
    },
  });
  expect(validate({})).toEqual({ issues: [{ message: 'This field is required.', path: ['command'] }] });
  expect(validate('no')).toMatchObject({ issues: [expect.anything()] });
  expect(validate({ command: 'x', unknown: 1 })).toEqual({ value: { command: 'x', unknown: 1 } });
});

test('the module’s environment test is told with its detail', async () => {
  const report = await adapter.testEnvironment?.({
    config: { command: 'x' },
    environment: {},
    signal: new AbortController().signal,
  });
  expect(report).toEqual({ checks: [{ code: 'command_set', level: 'info', message: 'looked at the command (x)' }] });
});
