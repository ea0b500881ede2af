import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter } from './line-splitter.js';

const lineText = fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n', '\r\n', '😀'), maxLength: 60 });

describe('createLineSplitter', () => {
  it('gives the lines of the whole text, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(lineText, { maxLength: 10 }), (pieces) => {
        const splitter = createLineSplitter();
        const lines = pieces.flatMap((piece) => splitter.push(piece));
        const rest = splitter.flush();
        const expected = pieces.join('').split(/\r?\n/);
        const last = expected.pop() ?? '';
        expect(lines.map(({ text }) => text)).toEqual(expected);
        expect(rest?.text ?? '').toBe(last);
      }),
      { numRuns: 600 },
    );
  });

  it('cuts long lines at the limit, counts what it left out, and does not cut a pair', () => {
    fc.assert(
      fc.property(fc.array(lineText, { maxLength: 10 }), fc.integer({ min: 2, max: 8 }), (pieces, limitCharacters) => {
        const splitter = createLineSplitter({ limitCharacters });
        const lines = pieces.flatMap((piece) => splitter.push(piece));
        const rest = splitter.flush();
        const expected = pieces.join('').split(/\r?\n/);
        if (expected.at(-1) === '') expected.pop();
        const given = rest ? [...lines, rest] : lines;
        expect(given.length).toBe(expected.length);
        for (const [index, { text, droppedCharacters }] of given.entries()) {
          const line = expected[index] ?? '';
          expect(text.length + droppedCharacters).toBe(line.length);
          expect(line.startsWith(text)).toBe(true);
          expect(text.length).toBeLessThanOrEqual(limitCharacters);
          if (line.length <= limitCharacters) expect(text).toBe(line);
          expect(/[\ud800-\udbff]$/.test(text)).toBe(false);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('knows a carriage return that came in the piece before its line feed', () => {
    const splitter = createLineSplitter();
    expect(splitter.push('one\r')).toEqual([]);
    expect(splitter.push('\ntwo')).toEqual([{ text: 'one', droppedCharacters: 0 }]);
    expect(splitter.flush()).toEqual({ text: 'two', droppedCharacters: 0 });
    expect(splitter.flush()).toBeNull();
  });

  it('holds no more than the limit of a line that never ends', () => {
    const splitter = createLineSplitter({ limitCharacters: 10 });
    for (let count = 0; count < 1_000; count += 1) expect(splitter.push('x'.repeat(10_000))).toEqual([]);
    expect(splitter.push('\n')).toEqual([{ text: 'x'.repeat(10), droppedCharacters: 9_999_990 }]);
  });
});
