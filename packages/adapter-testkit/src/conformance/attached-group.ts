import assert from 'node:assert/strict';
import type { ConformanceTest } from './conformance-test.js';

/** Work that ends with its host. */
export const attachedGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 4 (attached): when the host shuts down it stops its work',
    async run(bench) {
      const run = await bench.start('runForever');
      const pid = await bench.ready(run);
      run.recording.abort({ kind: 'host_shutdown' });
      const result = await bench.within('the run to settle', run.result);
      assert.notEqual(result.status, 'detached', 'An attached adapter has nothing that goes on: it must not answer detached.');
      assert.notEqual(result.status, 'succeeded');
      await bench.assertGone(pid, 'The work of an attached adapter');
    },
  },
];
