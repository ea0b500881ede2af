import assert from 'node:assert/strict';
import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { tenMebibytes } from '../workload/expected-output.js';
import type { Bench, StartedRun } from './bench.js';
import type { ConformanceTest } from './conformance-test.js';
import { startDetached } from './out-of-process-group.js';
import { assertSameText } from './output-group.js';

/** Work that can be asked about and taken over by its handle: rules 3, 6 and 8. */
export const handleGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 3: reattach goes on right after the cursor, byte for byte',
    async run(bench) {
      const { run, before } = await detachInMidOutput(bench);
      const later = bench.reattach(run, run.recording.lastCursor);
      await bench.within('the reattached run to settle', later.result);
      assertSameText(before + later.recording.output(), tenMebibytes());
    },
  },
  {
    title: 'rule 3: reattach without a cursor delivers everything from the start',
    async run(bench) {
      const { run } = await detachInMidOutput(bench);
      const later = bench.reattach(run, null);
      await bench.within('the reattached run to settle', later.result);
      assertSameText(later.recording.output(), tenMebibytes());
    },
  },
  {
    title: 'rule 4 (reattached): cancelled work is stopped',
    async run(bench) {
      const { run, pid } = await startDetached(bench);
      const later = bench.reattach(run, run.recording.lastCursor);
      later.recording.abort({ kind: 'cancelled' });
      const result = await bench.within('the reattached run to settle', later.result);
      assert.equal(result.status, 'cancelled', `The result is ${JSON.stringify(result)}.`);
      await bench.assertGone(pid, 'The cancelled work');
    },
  },
  {
    title: 'rule 6: probe tells running work from work that has ended, and changes neither',
    async run(bench) {
      const { run, pid } = await startDetached(bench);
      for (let count = 0; count < 3; count += 1) assert.deepEqual(await bench.probe(run), { state: 'alive' });
      if (pid > 0) assert.ok(await bench.isAlive(pid), 'The work ended when it was probed.');
      await bench.terminate(run);
      const after = await bench.probe(run);
      assert.ok(after.state === 'ended' || after.state === 'gone', `After terminate a probe answers '${after.state}'.`);
    },
  },
  {
    title: 'rule 6: probe tells how work ended while nobody watched',
    async run(bench) {
      const run = await detachAtSpawn(bench);
      await bench.eventually('a probe that does not answer alive', async () => (await bench.probe(run)).state !== 'alive');
      const answers = [await bench.probe(run), await bench.probe(run)];
      for (const answer of answers) {
        assert.equal(answer.state, 'ended', `The work ended with 3 and can be asked, a probe answers ${JSON.stringify(answer)}.`);
        assert.equal(answer.state === 'ended' && answer.result.status, 'failed');
      }
    },
  },
  {
    title: 'rule 6: a probe whose time is up never says gone or ended of work that runs',
    async run(bench) {
      const { run } = await startDetached(bench);
      const { state } = await bench.probe(run, AbortSignal.abort());
      assert.ok(state === 'unknown' || state === 'alive', `The answer is '${state}'.`);
    },
  },
  {
    title: 'rule 8: reattach after the end gives the result that execute would have given',
    async run(bench) {
      const watched = await bench.start('exit3');
      // A rejection is another test's matter (rule 5); what is left to compare with then is what the script says.
      const expected = await bench.within(
        'exit3 to settle',
        watched.result.catch(() => null),
      );
      const run = await detachAtSpawn(bench);
      await bench.eventually('a probe that does not answer alive', async () => (await bench.probe(run)).state !== 'alive');
      const later = bench.reattach(run, run.recording.lastCursor);
      const result = await bench.within('reattach to settle', later.result);
      assert.equal(result.status, 'failed', `exit3 ends with 3, the result is ${JSON.stringify(result)}.`);
      if (expected) assert.deepEqual(essence(result), essence(expected));
      assert.match(run.recording.output() + later.recording.output(), /^ready \d+\n$/);
    },
  },
];

/** Added when the options say how to take away what the adapter asks: only its author can know that. */
export const unreachableGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 6: a probe that cannot find out answers unknown',
    async run(bench) {
      const { run } = await startDetached(bench);
      const bringBack = await bench.options.makeUnreachable?.();
      assert.ok(bringBack);
      try {
        const answer = await bench.probe(run);
        assert.equal(answer.state, 'unknown', `The answer is ${JSON.stringify(answer)}.`);
        if (answer.state === 'unknown') assert.ok(answer.retryAfterMs > 0 && answer.message.length > 0);
      } finally {
        await bringBack();
      }
      assert.deepEqual(await bench.probe(run), { state: 'alive' });
    },
  },
];

/** The parts of a result that do not differ from run to run. */
function essence(result: RunResultV1): unknown {
  return result.status === 'failed' ? [result.status, result.error.code, result.error.exitCode] : [result.status];
}

/** A run whose host lets go while the adapter waits for it to take a piece of the output. */
async function detachInMidOutput(bench: Bench): Promise<{ run: StartedRun; before: string }> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let seen = 0;
  const isHalfway = (): boolean => seen > 1_000_000;
  const run = await bench.start('write10MiB', {
    onLog: async ({ text }) => {
      seen += text.length;
      if (isHalfway()) await released;
    },
  });
  await run.recording.waitUntil('one megabyte of output', isHalfway, bench.limitMs);
  run.recording.abort({ kind: 'host_shutdown' });
  release();
  await bench.within('the run to settle', run.result);
  return { run, before: run.recording.output() };
}

/** Work of half a second whose host lets go as soon as it has the handle. */
async function detachAtSpawn(bench: Bench): Promise<StartedRun> {
  let abort = (): void => {};
  const run = await bench.start('exit3', { onSpawn: async () => abort() });
  abort = () => run.recording.abort({ kind: 'host_shutdown' });
  if (run.recording.handle) abort();
  await bench.within('the run to settle', run.result);
  return run;
}
