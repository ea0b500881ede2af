import { createSaidReader, linesFromSaid, type RunnerSessionOutput, runnerLogLimitBytes } from '@runbeat/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesFromLine, cursorOfLine } from '../spool/spool-line.js';

test('an output of any length and content comes out as it went in, in lines that fit an upload', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(0, 1, 20_000, 120_000), (text, times) => {
      const output: RunnerSessionOutput = { kind: 'stderr', text: `${text}"\\😀\n`.repeat(times) };
      const lines = linesFromSaid(output, 'cursor').map((line) => bytesFromLine(line));
      for (const bytes of lines) expect(bytes.length).toBeLessThanOrEqual(runnerLogLimitBytes);
      const reader = createSaidReader();
      const read = lines.map((bytes) => reader.take(JSON.parse(bytes.toString('utf8'))));
      expect(read.slice(0, -1).every((one) => one === null)).toBe(true);
      expect(read.at(-1)).toEqual(output);
    }),
    { numRuns: 20 },
  );
});

test('the cursor stands behind the last line only: a reader that stops in the middle begins the output again', () => {
  const cursors = linesFromSaid({ kind: 'stderr', text: 'x'.repeat(500_000) }, 'behind').map((line) => cursorOfLine(line));
  expect(cursors.length).toBeGreaterThan(2);
  expect(cursors.filter((cursor) => cursor !== null)).toEqual(['behind']);
  expect(cursors.at(-1)).toBe('behind');
});
