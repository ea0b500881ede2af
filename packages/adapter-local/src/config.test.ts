import { parseAdapterConfig } from '@runbeat/adapter-sdk';
import { expect, it } from 'vitest';
import { createLocalAdapter, createLocalAttachedAdapter } from './index.js';

it('fills in the defaults', async () => {
  expect(await parseAdapterConfig(createLocalAdapter(), { command: 'agent' })).toEqual({
    ok: true,
    value: {
      command: 'agent',
      args: [],
      env: {},
      graceMs: 10_000,
      signal: 'SIGTERM',
      output: { format: 'text' },
      spoolLimitBytes: 1_073_741_824,
    },
  });
});

it('names each wrong field', async () => {
  const parsed = await parseAdapterConfig(createLocalAdapter(), {
    command: '',
    args: ['a', 5],
    env: { 'A=B': 'x' },
    graceMs: -1,
    signal: 'SIGNONE',
    stdin: '{{nothing}}',
    shell: true,
  });
  const issues = parsed.ok ? [] : parsed.issues;
  expect(new Set(issues.map(({ path }) => path))).toEqual(
    new Set(['command', 'args[1]', 'env.A=B', 'graceMs', 'signal', 'stdin', '']),
  );
  expect(issues.find(({ path }) => path === '')?.message).toContain('shell');
});

it('wants a command or a preset', async () => {
  const missing = await parseAdapterConfig(createLocalAdapter(), {});
  expect(missing.ok ? [] : missing.issues).toEqual([
    { path: 'command', message: 'Name the program to run, or set output.preset.' },
  ]);
  expect((await parseAdapterConfig(createLocalAdapter(), { output: { preset: 'claude' } })).ok).toBe(true);
});

it('knows no spool where there are no files', async () => {
  const parsed = await parseAdapterConfig(createLocalAttachedAdapter(), { command: 'agent', spoolLimitBytes: 1_000 });
  expect(parsed.ok).toBe(false);
});
