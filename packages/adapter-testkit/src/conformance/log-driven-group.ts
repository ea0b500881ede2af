import type { ConformanceTest } from './conformance-test.js';

/** Work that cannot be asked: only what it shows proves that it lives. */
export const logDrivenGroup: readonly ConformanceTest[] = [
  {
    title: 'log-driven: it shows life while its work is silent',
    async run(bench) {
      const run = await bench.start('runForever');
      await bench.ready(run);
      const already = run.recording.calls.length;
      const isSignOfLife = (): boolean =>
        run.recording.calls.slice(already).some(({ kind }) => kind === 'alive' || kind === 'log');
      await run.recording.waitUntil(
        'onAlive or onLog from silent work (a host gives it five minutes)',
        isSignOfLife,
        bench.limitMs,
      );
    },
  },
];
