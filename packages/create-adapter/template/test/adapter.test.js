import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAdapterConfig } from '@runbeat/adapter-sdk';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import adapter from '../dist/index.js';

/** Runs one command as a host would and gives what it recorded. */
async function run(rawConfig, options = {}) {
  const parsed = await parseAdapterConfig(adapter, rawConfig);
  assert.ok(parsed.ok, JSON.stringify(parsed.issues));
  const recording = createRecordingContext({ config: parsed.value, ...options });
  return { result: await recording.execute(adapter), recording };
}

test('a wrong field of the config is named', async () => {
  const parsed = await parseAdapterConfig(adapter, { command: 7, args: 'none' });
  assert.deepEqual(
    parsed.issues.map(({ path }) => path),
    ['command', 'args'],
  );
});

test('the prompt is the standard input, and both outputs arrive', async () => {
  const program = `process.stdin.pipe(process.stdout); console.error('thinking')`;
  const { result, recording } = await run(
    { command: process.execPath, args: ['-e', program] },
    { input: { prompt: 'Hello 👋' } },
  );
  assert.equal(result.status, 'succeeded');
  assert.equal(recording.output('stdout'), 'Hello 👋');
  assert.equal(recording.output('stderr'), 'thinking\n');
});

test('a program that ends without reading its prompt ends with its own exit code', async () => {
  const { result } = await run(
    { command: process.execPath, args: ['-e', 'process.exit(5)'] },
    { input: { prompt: 'x'.repeat(1_000_000) } },
  );
  assert.equal(result.error.exitCode, 5);
});

test("the server's own variables do not reach the program", async () => {
  process.env.SERVER_SECRET = 'secret';
  const program = 'console.log([process.env.SERVER_SECRET, process.env.MODE, process.env.RUNBEAT_RUN_ID].join())';
  const { recording } = await run({ command: process.execPath, args: ['-e', program], env: { MODE: 'fast' } });
  assert.equal(recording.output(), `,fast,${recording.runId}\n`);
});

test('a program that is missing is found before the first run', async () => {
  const signal = AbortSignal.timeout(10_000);
  const codes = async (command) => {
    const parsed = await parseAdapterConfig(adapter, { command });
    const { checks } = await adapter.testEnvironment({ config: parsed.value, environment: {}, signal });
    return checks.map(({ code, level }) => `${code} ${level}`);
  };
  assert.deepEqual(await codes(process.execPath), ['command_found ok']);
  assert.deepEqual(await codes('no-such-command-here'), ['command_missing error']);
});
