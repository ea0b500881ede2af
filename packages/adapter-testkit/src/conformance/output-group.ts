import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { splitMultibyteText, tenMebibytes } from '../workload/expected-output.js';
import { assertNoViolation, type ConformanceTest } from './conformance-test.js';

/** `onLog`: rule 2. */
export const outputGroup: readonly ConformanceTest[] = [
  {
    title: 'rule 2: it hands on 10 MiB whole and in order',
    async run(bench) {
      const run = await bench.start('write10MiB');
      await bench.within('write10MiB to settle', run.result);
      assertSameText(run.recording.output(), tenMebibytes());
    },
  },
  {
    title: 'rule 2: one call carries at most 64 KiB',
    async run(bench) {
      const run = await bench.start('write10MiB');
      await bench.within('write10MiB to settle', run.result);
      assertNoViolation(run, 'log_text_limit', 'log_mark');
    },
  },
  {
    title: 'rule 2: it waits for each call, which is the back-pressure',
    async run(bench) {
      let isSlow = true;
      const run = await bench.start('write10MiB', {
        onLog: async () => {
          // Long enough for what was printed meanwhile to arrive, if nobody holds it back.
          if (isSlow) await delay(100);
          isSlow = false;
        },
      });
      await bench.within('write10MiB to settle', run.result);
      assertNoViolation(run, 'log_awaited');
    },
  },
  {
    title: 'rule 2: it never splits a character',
    async run(bench) {
      const run = await bench.start('splitMultibyte');
      await bench.within('splitMultibyte to settle', run.result);
      assertSameText(run.recording.output(), splitMultibyteText);
      assertNoViolation(run, 'log_whole_characters');
    },
  },
  {
    title: 'rule 2: it calls nothing after it has settled',
    async run(bench) {
      const run = await bench.start('exit0');
      await bench.within('exit0 to settle', run.result);
      const stopped = await bench.start('runForever');
      await bench.ready(stopped);
      stopped.recording.abort({ kind: 'cancelled' });
      await bench.within('the cancelled run to settle', stopped.result);
      await delay(200);
      assertNoViolation(run, 'nothing_after_settling');
      assertNoViolation(stopped, 'nothing_after_settling');
    },
  },
];

/** A diff of 10 MiB helps nobody: say where they part. */
export function assertSameText(actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (at < Math.min(actual.length, expected.length) && actual[at] === expected[at]) at += 1;
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 60));
  assert.fail(
    `The output differs at character ${at}: got ${around(actual)}, expected ${around(expected)} (${actual.length} characters instead of ${expected.length}).`,
  );
}
