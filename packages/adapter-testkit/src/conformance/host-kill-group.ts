import assert from 'node:assert/strict';
import { forkHosts } from '../host-kill/fork-hosts.js';
import { type HostKillHarness, type RunTarget, type StoredOutput, storedText } from '../host-kill/host-kill-harness.js';
import { tenMebibytes } from '../workload/expected-output.js';
import type { Bench } from './bench.js';
import type { ConformanceTest } from './conformance-test.js';
import { assertSameText } from './output-group.js';
import type { ConformanceScriptName } from './scripts.js';

/** What handles are for: the host is killed with SIGKILL, and another process has nothing but what was stored. */
export const hostKillGroup: readonly ConformanceTest[] = [
  {
    title: 'host kill: work whose host is killed goes on, and is taken over byte for byte by another process',
    run: (bench) =>
      withHarness(bench, async (harness) => {
        const { target, stored } = await killHost(
          bench,
          harness,
          'write10MiB',
          (output) => storedText(output).length > 1_000_000,
        );
        const later = await bench.within(
          'reattach in another process',
          harness.reattach({ ...target, afterCursor: lastCursor(stored) }),
        );
        assert.equal(later.result.status, 'succeeded', `The result is ${JSON.stringify(later.result)}.`);
        assertSameText(storedText(stored) + storedText(later.output), tenMebibytes());
      }),
  },
  {
    title: 'host kill: another process probes, terminates and probes again by the JSON handle alone',
    run: (bench) =>
      withHarness(bench, async (harness) => {
        const { target, stored } = await killHost(bench, harness, 'spawnGrandchild', (output) =>
          /ready \d+\n/.test(storedText(output)),
        );
        assert.deepEqual(await bench.within('probe in another process', harness.probe(target)), { state: 'alive' });
        const { stopped } = await bench.within('terminate in another process', harness.terminate(target));
        assert.notEqual(stopped, 'already_gone');
        for (const match of storedText(stored).matchAll(/(ready|grandchild) (\d+)\n/g)) {
          await bench.assertGone(Number(match[2]), `The terminated work ('${match[1]}')`);
        }
        const after = await bench.within('probe in another process', harness.probe(target));
        assert.ok(after.state === 'ended' || after.state === 'gone', `After terminate a probe answers '${after.state}'.`);
      }),
  },
];

async function withHarness(bench: Bench, run: (harness: HostKillHarness) => Promise<void>): Promise<void> {
  const { hostKill, adapterModule } = bench.options;
  assert.ok(
    hostKill !== undefined || adapterModule !== undefined,
    'adapterConformance needs `adapterModule`: the built module that exports the adapter, so that it can be run in a host that is killed.',
  );
  const harness = hostKill ?? forkHosts(adapterModule ?? '');
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
}

let killCount = 0;

/** Starts the script in a host of its own and kills that host once it has stored enough output. */
async function killHost(
  bench: Bench,
  harness: HostKillHarness,
  script: ConformanceScriptName,
  isEnough: (output: readonly StoredOutput[]) => boolean,
): Promise<{ target: RunTarget; stored: readonly StoredOutput[] }> {
  killCount += 1;
  const runId = `run-host-kill-${process.pid}-${killCount}`;
  const rawConfig = bench.options.scripts[script];
  const host = await harness.execute({ runId, rawConfig });
  try {
    const handle = await bench.within('the doomed host to store a handle', host.handle);
    await bench.within('the doomed host to store enough output', host.stored(isEnough));
    const stored = await host.kill();
    return { target: { runId, rawConfig, handle: JSON.parse(JSON.stringify(handle)) }, stored };
  } catch (error) {
    await host.kill();
    throw error;
  }
}

function lastCursor(stored: readonly StoredOutput[]): string | null {
  return stored.reduce<string | null>((last, { cursor }) => cursor ?? last, null);
}
