import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import { afterEach, expect, it } from 'vitest';
import { createProcessRunner, type OutputParser, runProcess } from '../src/process.js';
import { eventually, fixtureConfig, isAlive, useBench } from './bench.js';

const bench = useBench();
const home = process.env['RUNBEAT_HOME'];
afterEach(() => {
  if (home === undefined) delete process.env['RUNBEAT_HOME'];
  else process.env['RUNBEAT_HOME'] = home;
});

/** What an author of a CLI adapter writes: counts the lines of the output. */
function createLineCounter(): OutputParser {
  let count = 0;
  return {
    push() {
      count += 1;
    },
    finish: ({ succeeded }) => ({
      summary: `${count} lines`,
      ...(succeeded ? {} : { failure: { code: 'mycli.unhappy', message: 'It said so.', retryable: true } }),
    }),
  };
}

it('runs a command below RUNBEAT_HOME and lets the author’s parser speak', async () => {
  process.env['RUNBEAT_HOME'] = bench.folder;
  const recording = createRecordingContext({ config: null });
  const spec = { command: 'printf', args: ['a\nb\nc'], createParser: createLineCounter };
  expect(await runProcess(recording.context, spec)).toEqual({ status: 'succeeded', summary: '3 lines' });
  expect(existsSync(join(bench.folder, 'runs', recording.runId, 'stdout'))).toBe(true);
  const failing = { command: 'sh', args: ['-c', 'echo x; exit 2'], createParser: createLineCounter };
  expect(await runProcess(createRecordingContext({ config: null }).context, failing)).toEqual({
    status: 'failed',
    summary: '1 lines',
    error: { code: 'mycli.unhappy', message: 'It said so.', retryable: true, exitCode: 2 },
  });
});

it('gives authors probe, reattach and terminate for what an earlier host has started', async () => {
  const runner = createProcessRunner({ runsDirectory: bench.runsDirectory });
  const spec = { ...fixtureConfig('stubborn-tree'), graceMs: 100 };
  const recording = createRecordingContext({ config: null });
  const running = runner.run(recording.context, spec);
  await recording.waitUntil('the pids', () => recording.output().includes('\n'));
  recording.abort({ kind: 'host_shutdown' });
  expect(await running).toEqual({ status: 'detached' });
  const handle = recording.handle ?? expect.fail();
  const query = { runId: recording.runId, handle, signal: AbortSignal.timeout(20_000) };
  expect(await runner.probe(query, spec)).toEqual({ state: 'alive' });
  expect(await runner.terminate({ ...query, reason: 'lost' }, spec)).toEqual({ stopped: 'forced' });
  const pids = recording.output().trim().split(' ').slice(1).map(Number);
  await eventually('all are gone', () => pids.every((pid) => !isAlive(pid)));
  const { onSpawn: _, previousSession: __, ...later } = createRecordingContext({ config: null, runId: recording.runId }).context;
  expect(await runner.reattach({ ...later, handle, afterCursor: null }, spec)).toEqual({ status: 'cancelled', forced: true });
});
