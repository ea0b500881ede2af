import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLocalAdapter, createLocalAttachedAdapter, localAttachedConfig, localConfig } from '../src/index.js';
import { useBench } from './bench.js';

const bench = useBench();
const test = async (rawConfig: object, environment: Record<string, string> = {}) => {
  const context = { config: localConfig.parse(rawConfig), environment, signal: AbortSignal.timeout(20_000) };
  const report = await createLocalAdapter({ runsDirectory: bench.runsDirectory }).testEnvironment?.(context);
  return report?.checks ?? expect.fail();
};

it('finds what is there', async () => {
  const checks = await test({ command: 'sh' });
  expect(checks.map(({ code, level }) => [code, level])).toEqual([
    ['cwd', 'ok'],
    ['command', 'ok'],
    ['runs_directory', 'ok'],
  ]);
});

it('says how to mend what is missing', async () => {
  const missing = await test({ output: { preset: 'codex' }, env: { PATH: bench.folder } });
  expect(missing).toContainEqual({
    code: 'command_missing',
    level: 'error',
    message: expect.stringContaining('"codex" was not found'),
    hint: expect.stringContaining('npm install -g @openai/codex'),
  });
  const nowhere = await test({ command: 'sh', cwd: '/runbeat/nowhere' });
  expect(nowhere.filter(({ level }) => level === 'error').map(({ code }) => code)).toEqual(['cwd']);
});

it('asks a known CLI for its version, and warns when that fails', async () => {
  writeFileSync(join(bench.folder, 'claude'), '#!/bin/sh\necho 2.0.1 of "$1"\n', { mode: 0o755 });
  const env = { PATH: `${bench.folder}:${process.env['PATH']}` };
  expect(await test({ output: { preset: 'claude' }, env })).toContainEqual({
    code: 'version',
    level: 'ok',
    message: 'Version: 2.0.1 of --version.',
  });
  writeFileSync(join(bench.folder, 'claude'), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
  expect(await test({ output: { preset: 'claude' }, env })).toContainEqual(
    expect.objectContaining({ code: 'version', level: 'warn' }),
  );
});

it('needs no folder where nothing is kept', async () => {
  const context = { config: localAttachedConfig.parse({ command: 'sh' }), environment: {}, signal: AbortSignal.timeout(20_000) };
  const report = await createLocalAttachedAdapter().testEnvironment?.(context);
  expect(report?.checks.map(({ code }) => code)).toEqual(['cwd', 'command']);
});

it.each(['local', 'local-attached'] as const)('%s runs a preset from prompt to result', async (type) => {
  // A CLI of that name which says what it was given, and ends as the real one does.
  const script = [
    '#!/bin/sh',
    'prompt=$(cat)',
    'echo "{\\"type\\":\\"system\\",\\"subtype\\":\\"init\\",\\"session_id\\":\\"s-2\\",\\"model\\":\\"m\\"}"',
    'echo "{\\"type\\":\\"result\\",\\"subtype\\":\\"success\\",\\"is_error\\":false,\\"result\\":\\"$prompt via $*\\",\\"session_id\\":\\"s-2\\",\\"total_cost_usd\\":0.5,\\"usage\\":{\\"input_tokens\\":1,\\"output_tokens\\":2}}"',
  ];
  writeFileSync(join(bench.folder, 'claude'), `${script.join('\n')}\n`, { mode: 0o755 });
  const env = { PATH: `${bench.folder}:${process.env['PATH']}` };
  const options = { input: { prompt: 'fix it' }, previousSession: { id: 's-1' } };
  const { result } = bench.start(type, { output: { preset: 'claude' }, args: ['--model', 'm'], env }, options);
  expect(await result).toEqual({
    status: 'succeeded',
    provider: 'anthropic',
    model: 'm',
    session: { id: 's-2' },
    costUsd: 0.5,
    usage: { inputTokens: 1, outputTokens: 2 },
    summary: 'fix it via --print --output-format stream-json --verbose --resume s-1 --model m',
  });
});
