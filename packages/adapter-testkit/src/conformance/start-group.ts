import assert from 'node:assert/strict';
import { adapterTypePattern, checkAdapter, isHostFailureCode, parseAdapterConfig, type RunResultV1 } from '@runbeat/adapter-sdk';
import type { Bench } from './bench.js';
import { assertNoViolation, type ConformanceTest } from './conformance-test.js';
import { conformanceScriptNames } from './scripts.js';

/** Registration, `onSpawn`, and what a failing workload comes to: rules 1, 5, 9 and 10. */
export const startGroup: readonly ConformanceTest[] = [
  {
    title: 'registration: a host accepts the adapter, and its schema accepts each script and refuses what is no config',
    async run({ adapter, options }) {
      const check = checkAdapter(adapter);
      assert.deepEqual(check.ok ? [] : check.problems.map(({ message }) => message), []);
      for (const name of conformanceScriptNames) {
        const parsed = await parseAdapterConfig(adapter, options.scripts[name]);
        assert.ok(parsed.ok, `configSchema refuses scripts.${name}: ${parsed.ok ? '' : JSON.stringify(parsed.issues)}`);
      }
      assert.equal((await parseAdapterConfig(adapter, 'no config')).ok, false, 'configSchema accepts a text as config.');
    },
  },
  {
    title: 'rule 1: it announces its work at most once, before any output',
    async run(bench) {
      // A slow host: an adapter that does not wait for onSpawn is ahead of it with its first output.
      const run = await bench.start('exit0', { onSpawn: () => new Promise((resolve) => setTimeout(resolve, 200)) });
      await bench.within('exit0 to settle', run.result);
      if (bench.adapter.hasOutOfProcessLiveness) {
        assert.ok(
          run.recording.handle,
          'An out-of-process adapter must call onSpawn: without a handle nobody finds its work again.',
        );
      }
      assertNoViolation(run, 'spawn_before_log', 'spawn_once');
    },
  },
  {
    title: 'rule 1: when its handle is refused it stops what it started and rethrows',
    async run(bench) {
      const refusal = new RefusedHandle();
      const run = await bench.start('runForever', { onSpawn: () => Promise.reject(refusal) });
      if (!bench.adapter.hasOutOfProcessLiveness) {
        await run.recording.waitUntil('onSpawn or output', () => run.recording.calls.length > 0, bench.limitMs).catch(() => {});
        // An attached adapter may have no handle to give.
        if (run.recording.handle === null) return;
      }
      await assert.rejects(
        bench.within('execute to reject', run.result),
        (error) => error === refusal || String(error).includes(refusal.message),
      );
      if (bench.adapter.outOfProcess?.kind === 'handle') {
        assert.notEqual((await bench.probe(run)).state, 'alive', 'The work goes on although its handle was refused.');
      }
      if (bench.adapter.outOfProcess?.kind === 'log-driven') {
        assert.deepEqual(await bench.terminate(run), { stopped: 'already_gone' });
      }
      const handle = run.recording.handle;
      if (handle?.kind === 'process') await bench.assertGone(handle.pid, 'The work whose handle was refused');
    },
  },
  {
    title: 'rule 5: work that fails is a result, not a rejection',
    async run(bench) {
      const result = await settled(bench, 'exit3');
      const failure = assertFailed(bench, result);
      if (failure.code === 'exit_nonzero' || failure.exitCode !== undefined) assert.equal(failure.exitCode, 3);
      assert.notEqual(failure.code, 'start_failed', 'The work had started; start_failed is for work that could not.');
    },
  },
  {
    title: 'rule 5: a start that fails is a result, not a rejection',
    async run(bench) {
      assertFailed(bench, await settled(bench, 'failToStart'));
    },
  },
  {
    title: 'rule 5: work that ends well succeeds',
    async run(bench) {
      const run = await bench.start('exit0');
      assert.equal((await bench.within('exit0 to settle', run.result)).status, 'succeeded');
      assert.match(run.recording.output(), /ready \d+\n/);
    },
  },
  {
    title: 'rule 9: its handle is JSON of at most 4 KiB without a secret',
    async run(bench) {
      const run = await bench.start('exit0');
      await bench.within('exit0 to settle', run.result).catch(() => {});
      assertNoViolation(run, 'handle_json', 'handle_limit', 'handle_secret');
    },
  },
  {
    title: 'rule 10: two runs of one adapter object keep apart',
    async run(bench) {
      const [kept, cancelled, failing] = [
        await bench.start('runForever'),
        await bench.start('runForever'),
        await bench.start('exit3'),
      ];
      const pids = [await bench.ready(kept), await bench.ready(cancelled)];
      if (Math.max(...pids) > 0) assert.notEqual(pids[0], pids[1], 'Two runs share one process.');
      cancelled.recording.abort({ kind: 'cancelled' });
      await bench.within('the cancelled run to settle', cancelled.result);
      await bench.within(
        'exit3 to settle',
        failing.result.catch(() => {}),
      );
      assert.match(failing.recording.output(), /^ready \d+\n$/, "The failing run lost its output or got another's.");
      assert.equal(kept.recording.result, null, 'Cancelling one run ended the other.');
      if ((pids[0] ?? 0) > 0) assert.ok(await bench.isAlive(pids[0] ?? 0), 'Cancelling one run stopped the work of the other.');
      assert.equal(kept.recording.output().match(/ready/g)?.length, 1, "One run got the other's output.");
    },
  },
];

async function settled(bench: Bench, script: 'exit3' | 'failToStart'): Promise<RunResultV1> {
  const run = await bench.start(script);
  return bench.within(`${script} to settle`, run.result);
}

function assertFailed(bench: Bench, result: RunResultV1): (RunResultV1 & { status: 'failed' })['error'] {
  assert.equal(result.status, 'failed', `The result is ${JSON.stringify(result)}.`);
  if (result.status !== 'failed') return assert.fail();
  const { code, message, retryable } = result.error;
  const isOwn = code.startsWith(`${bench.adapter.type}.`) && adapterTypePattern.test(bench.adapter.type);
  assert.ok(
    isHostFailureCode(code) || isOwn,
    `The code '${code}' is neither one of the host's nor prefixed by '${bench.adapter.type}.'.`,
  );
  assert.ok(message.length > 0, 'The failure has no message.');
  assert.equal(typeof retryable, 'boolean');
  return result.error;
}

/** What the host throws when it cannot store a handle. */
class RefusedHandle extends Error {
  constructor() {
    super('conformance: this handle is refused');
  }
}
