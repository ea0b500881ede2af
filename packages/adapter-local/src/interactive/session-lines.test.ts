import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSessionLines, type SessionLine } from './session-lines.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runbeat-lines-'));
  path = join(folder, 'stdout');
  writeFileSync(path, '');
});
afterEach(() => rmSync(folder, { recursive: true }));

function readAll(from: number, limitBytes?: number): SessionLine[] {
  const lines = openSessionLines(path, from, limitBytes);
  const all: SessionLine[] = [];
  for (let more = true; more; ) {
    const read = lines.read();
    all.push(...read.lines);
    more = read.isFull;
  }
  lines.close();
  return all;
}

it('gives whole lines however they are written, and offsets from which a later reader goes on', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n'));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), fc.nat(), (texts, seed) => {
      const bytes = Buffer.from(texts.map((line) => `${line}\n`).join(''));
      writeFileSync(path, '');
      const lines = openSessionLines(path, 0);
      const seen: SessionLine[] = [];
      const step = 1 + (seed % 40);
      for (let at = 0; at < bytes.length; at += step) {
        appendFileSync(path, bytes.subarray(at, at + step));
        seen.push(...lines.read().lines);
      }
      lines.close();
      expect(seen.map((line) => (line.kind === 'text' ? line.text : null))).toEqual(texts);
      for (const [index, { endOffset }] of seen.entries()) {
        expect(readAll(endOffset).map((line) => (line.kind === 'text' ? line.text : null))).toEqual(texts.slice(index + 1));
      }
    }),
    { numRuns: 50 },
  );
});

it('counts a line over the limit and keeps none of it, and reads the next', () => {
  writeFileSync(path, `${'x'.repeat(600_000)}\nshort\n${'y'.repeat(10)}\n`);
  expect(readAll(0, 10)).toEqual([
    { kind: 'too_long', bytes: 600_000, endOffset: 600_001 },
    { kind: 'text', text: 'short', endOffset: 600_007 },
    { kind: 'text', text: 'y'.repeat(10), endOffset: 600_018 },
  ]);
});

it('says which lines are no UTF-8', () => {
  writeFileSync(path, Buffer.from([0x61, 0xff, 0x0a, 0x62, 0x0a]));
  expect(readAll(0)).toEqual([
    { kind: 'not_utf8', bytes: 2, endOffset: 3 },
    { kind: 'text', text: 'b', endOffset: 5 },
  ]);
});

it('keeps half a line back', () => {
  writeFileSync(path, 'half');
  const lines = openSessionLines(path, 0);
  expect(lines.read().lines).toEqual([]);
  appendFileSync(path, ' a line\n');
  expect(lines.read().lines).toEqual([{ kind: 'text', text: 'half a line', endOffset: 12 }]);
  lines.close();
});
