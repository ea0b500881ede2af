import assert from 'node:assert/strict';
import type { ConformanceTest } from './conformance-test.js';

/** `signal`, as far as it is the same for all adapters: rule 4. */
export const abortGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 4: cancelled work is asked to stop, and the run settles when it has ended',
    async run(bench) {
      const run = await bench.start('runForever');
      const pid = await bench.ready(run);
      run.recording.abort({ kind: 'cancelled' });
      const result = await bench.within('the cancelled run to settle', run.result);
      assert.deepEqual([result.status, 'forced' in result && result.forced], ['cancelled', false]);
      await bench.assertGone(pid, 'The cancelled work');
    },
  },
  {
    title: 'rule 4: work that ignores the request is forced, and a second abort changes nothing',
    async run(bench) {
      const run = await bench.start('ignoreSigterm');
      const pid = await bench.ready(run);
      run.recording.abort({ kind: 'cancelled' });
      run.recording.abort({ kind: 'timed_out', limitMs: 1 });
      run.recording.context.signal.dispatchEvent(new Event('abort'));
      const result = await bench.within('the cancelled run to settle', run.result);
      assert.deepEqual([result.status, 'forced' in result && result.forced], ['cancelled', true]);
      await bench.assertGone(pid, 'The work that ignored the request');
    },
  },
  {
    title: 'rule 4: no descendant outlives cancelled work',
    async run(bench) {
      const run = await bench.start('spawnGrandchild');
      const pid = await bench.ready(run);
      const grandchild = Number(/grandchild (\d+)\n/.exec(run.recording.output())?.[1] ?? Number.NaN);
      assert.ok(Number.isSafeInteger(grandchild), "spawnGrandchild must print 'grandchild <pid>' before 'ready <pid>'.");
      run.recording.abort({ kind: 'cancelled' });
      await bench.within('the cancelled run to settle', run.result);
      await bench.assertGone(pid, 'The cancelled work');
      await bench.assertGone(grandchild, 'A descendant of the cancelled work');
    },
  },
  {
    title: 'rule 4: a limit that passed is answered by timed_out with that limit',
    async run(bench) {
      const run = await bench.start('runForever');
      const pid = await bench.ready(run);
      run.recording.abort({ kind: 'timed_out', limitMs: 1_234 });
      const result = await bench.within('the run to settle', run.result);
      assert.deepEqual([result.status, 'limitMs' in result && result.limitMs], ['timed_out', 1_234]);
      await bench.assertGone(pid, 'The work whose time was over');
    },
  },
  {
    title: 'rule 4: a run that is aborted from the start settles, and nothing of it is left',
    async run(bench) {
      const run = await bench.start('runForever', { abortReason: { kind: 'cancelled' } });
      const result = await bench.within('the run to settle', run.result);
      assert.equal(result.status, 'cancelled', `The result is ${JSON.stringify(result)}.`);
      if (bench.adapter.outOfProcess?.kind === 'handle' && run.recording.handle) {
        assert.notEqual((await bench.probe(run)).state, 'alive', 'The work of an aborted run goes on.');
      }
      const pid = Number(/ready (\d+)\n/.exec(run.recording.output())?.[1] ?? 0);
      await bench.assertGone(pid, 'The work of an aborted run');
    },
  },
];
