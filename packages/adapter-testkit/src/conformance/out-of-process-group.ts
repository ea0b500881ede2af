import assert from 'node:assert/strict';
import type { Bench, StartedRun } from './bench.js';
import type { ConformanceTest } from './conformance-test.js';

/** Work that outlives its host, whether it can be asked about or not: rules 4 and 7. */
export const outOfProcessGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 4 (out of process): when the host shuts down its work goes on, and it answers detached',
    async run(bench) {
      const { run, pid } = await startDetached(bench);
      assert.deepEqual(run.recording.result, { status: 'detached' });
      await assertGoesOn(bench, run, pid);
    },
  },
  {
    title: 'rule 4 (out of process): when it is fenced it lets go at once and leaves the work alone',
    async run(bench) {
      const run = await bench.start('runForever');
      const pid = await bench.ready(run);
      run.recording.abort({ kind: 'fenced' });
      // Whether it answers or rejects does not matter: the host has given the run up.
      await bench.within(
        'the fenced run to settle',
        run.result.catch(() => {}),
      );
      await assertGoesOn(bench, run, pid);
    },
  },
  {
    title: 'rule 7: terminate ends the whole tree of a run, by its stored handle',
    async run(bench) {
      const { run, pid } = await startDetached(bench, 'spawnGrandchild');
      const grandchild = Number(/grandchild (\d+)\n/.exec(run.recording.output())?.[1] ?? 0);
      const { stopped } = await bench.terminate(run);
      assert.ok(stopped === 'graceful' || stopped === 'forced', `terminate on running work answered '${stopped}'.`);
      await bench.assertGone(pid, 'The terminated work');
      await bench.assertGone(grandchild, 'A descendant of the terminated work');
    },
  },
  {
    title: 'rule 7: terminate twice at once is fine, and on something gone it answers already_gone',
    async run(bench) {
      const { run, pid } = await startDetached(bench);
      await Promise.all([bench.terminate(run), bench.terminate(run)]);
      await bench.assertGone(pid, 'The terminated work');
      assert.deepEqual(await bench.terminate(run), { stopped: 'already_gone' });
    },
  },
  {
    title: 'rule 7: terminate without a handle finds nothing of a run that never started',
    async run(bench) {
      const { run } = await startDetached(bench);
      const answer = await bench.terminateBy({ runId: 'conformance-never-started', handle: null, config: run.config });
      assert.deepEqual(answer, { stopped: 'already_gone' });
      assert.notEqual((await bench.terminate(run)).stopped, 'already_gone', 'It ended the work of another run.');
    },
  },
];

/** Work that runs and that its host has let go of. */
export async function startDetached(
  bench: Bench,
  script: 'runForever' | 'spawnGrandchild' = 'runForever',
): Promise<{ run: StartedRun; pid: number }> {
  const run = await bench.start(script);
  const pid = await bench.ready(run);
  run.recording.abort({ kind: 'host_shutdown' });
  await bench.within('the run to settle', run.result);
  return { run, pid };
}

async function assertGoesOn(bench: Bench, run: StartedRun, pid: number): Promise<void> {
  if (pid > 0) assert.ok(await bench.isAlive(pid), `The work (pid ${pid}) does not run any more.`);
  if (bench.adapter.outOfProcess?.kind === 'handle') assert.deepEqual(await bench.probe(run), { state: 'alive' });
  const { stopped } = await bench.terminate(run);
  assert.notEqual(stopped, 'already_gone', 'The work was already gone.');
}
