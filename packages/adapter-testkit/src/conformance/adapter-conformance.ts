import { abortGroup } from './abort-group.js';
import { attachedGroup } from './attached-group.js';
import { createBench } from './bench.js';
import type { ConformanceOptions } from './conformance-options.js';
import type { ConformanceTest } from './conformance-test.js';
import { environmentGroup } from './environment-group.js';
import { handleGroup, unreachableGroup } from './handle-group.js';
import { hostKillGroup } from './host-kill-group.js';
import { interactiveGroup, survivingSessionGroup } from './interactive-group.js';
import { logDrivenGroup } from './log-driven-group.js';
import { outOfProcessGroup } from './out-of-process-group.js';
import { outputGroup } from './output-group.js';
import { startGroup } from './start-group.js';

/**
 * Registers one test for each thing that the contract asks of an adapter, with the test runner of your choice. Which
 * tests follows from what the adapter declares; nothing can be left out. An adapter's author calls it in a test file:
 *
 * ```ts
 * import { test } from 'vitest'; // or node:test, or jest's global
 * adapterConformance({ test, createAdapter: () => adapter, scripts: commandScripts((command, args) => ({ command, args })) });
 * ```
 */
export function adapterConformance(options: ConformanceOptions): void {
  const limitMs = options.limitMs ?? 30_000;
  for (const { title, run } of conformanceTests(options)) {
    options.test(
      title,
      async () => {
        const bench = createBench(options);
        try {
          await run(bench);
        } finally {
          await bench.close();
        }
      },
      limitMs,
    );
  }
}

function conformanceTests(options: ConformanceOptions): readonly ConformanceTest[] {
  const { outOfProcess, interactive, testEnvironment } = options.createAdapter();
  return [
    ...startGroup,
    ...outputGroup,
    ...abortGroup,
    ...(outOfProcess === undefined ? attachedGroup : outOfProcessGroup),
    ...(outOfProcess?.kind === 'handle' ? [...handleGroup, ...hostKillGroup] : []),
    ...(outOfProcess?.kind === 'handle' && options.makeUnreachable ? unreachableGroup : []),
    ...(outOfProcess?.kind === 'log-driven' ? logDrivenGroup : []),
    ...(testEnvironment === undefined ? [] : environmentGroup),
    ...(interactive === undefined ? [] : interactiveGroup),
    ...(interactive?.reattach === undefined ? [] : survivingSessionGroup),
  ];
}
