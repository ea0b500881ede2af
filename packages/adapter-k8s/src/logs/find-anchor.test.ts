import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAnchorSearch, createTailSearch, isTailAnchor } from './find-anchor.js';
import { type PlainPosition, positionAfterLine, startPosition } from './log-cursor.js';

const after = (lines: readonly string[]): PlainPosition =>
  lines.reduce((position, hash) => positionAfterLine(position, { hash, tail: null }), startPosition);

function search(position: PlainPosition, file: readonly string[]): ReturnType<ReturnType<typeof createAnchorSearch>['decide']> {
  const found = createAnchorSearch(position);
  for (const hash of file) found.line(hash, false);
  return found.decide();
}

describe('the place in the whole file', () => {
  test('is found by its number while the file was not rotated, however equal its lines are', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 60 }), fc.nat(), (file, cut) => {
        const read = 1 + (cut % file.length);
        expect(search(after(file.slice(0, read)), file)).toEqual({ kind: 'found', skip: read });
      }),
    );
  });

  test('is found in a rotated file of different lines, lost when it was rotated away', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 80 }), fc.nat(), fc.nat(), (length, cut, rotation) => {
        const lines = Array.from({ length }, (_, index) => `line ${index}`);
        const read = 1 + (cut % length);
        const rotated = 1 + (rotation % (length - 1));
        const decision = search(after(lines.slice(0, read)), lines.slice(rotated));
        expect(decision).toEqual(read > rotated ? { kind: 'found', skip: read - rotated } : { kind: 'lost' });
      }),
    );
  });

  test('is ambiguous, not guessed, in a rotated file of equal lines', () => {
    const file = Array.from({ length: 40 }, () => 'same');
    expect(search(after(['first', ...file]), file)).toMatchObject({ kind: 'ambiguous' });
  });

  test('is not believed lost when the same file comes back shorter', () => {
    expect(search(after(['a', 'b', 'c', 'd']), ['a', 'b'])).toEqual({ kind: 'cut' });
  });
});

describe('the place in a tail', () => {
  test('needs all remembered lines, and different ones', () => {
    const position = after(['a', 'b', 'c']);
    const tail = createTailSearch(position);
    expect(['c', 'x', 'a', 'b', 'c', 'd'].map((hash) => tail.line(hash))).toEqual([false, false, false, false, true, false]);
    expect(isTailAnchor(position)).toBe(true);
    expect(isTailAnchor(after(['a', 'b', 'a']))).toBe(false);
  });
});
