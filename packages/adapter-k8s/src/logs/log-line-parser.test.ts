import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogLineParser, type LinePiece } from './log-line-parser.js';

const time = '2026-11-22T01:10:44.702607509Z';

/** Feeds the bytes in the given cuts; gives what came out, line by line. */
function parse(
  bytes: Buffer,
  cuts: readonly number[],
): { lines: string[]; hashes: string[]; problem: string | null; rest: LinePiece | null } {
  const parser = createLogLineParser();
  const pieces: LinePiece[] = [];
  let problem: string | null = null;
  const borders = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < borders.length; index += 1) {
    const result = parser.push(bytes.subarray(borders[index - 1], borders[index]));
    pieces.push(...result.pieces);
    problem = result.problem;
  }
  const lines: string[] = [];
  let open = '';
  for (const piece of pieces) {
    open += piece.bytes.toString('latin1');
    if (!piece.isLineEnd) continue;
    lines.push(open);
    open = '';
  }
  const hashes = pieces.filter((piece) => piece.isLineEnd).map((piece) => piece.hash);
  return { lines, hashes, problem, rest: problem === null ? parser.unterminated() : null };
}

describe('lines of a log with timestamps', () => {
  test('come out whole and with the same hash, however the bytes are cut', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.nat(40_000).map((length) => 'L'.repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (texts, cuts) => {
        const lines = texts.map((each) => Buffer.from(each).toString('latin1').replaceAll('\n', ' '));
        const bytes = Buffer.from(lines.map((line) => `${time} ${line}\n`).join(''), 'latin1');
        const cut = parse(bytes, cuts);
        expect(cut.lines).toEqual(lines);
        expect(cut.hashes).toEqual(parse(bytes, []).hashes);
        expect(cut.problem).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  test('an error of the node after the last line is a problem, not output', () => {
    const { lines, problem } = parse(
      Buffer.from(`${time} one\nfailed to create fsnotify watcher: too many open files, and more of it that goes on`),
      [],
    );
    expect(lines).toEqual(['one']);
    expect(problem).toContain('too many open files');
  });

  test('what stands unterminated is kept back', () => {
    const { lines, rest } = parse(Buffer.from(`${time} one\n${time} tw`), []);
    expect(lines).toEqual(['one']);
    expect(rest?.bytes.toString()).toBe('tw');
  });
});
