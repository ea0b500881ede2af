import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactedOutput } from './redacted-output.js';
import { resumeCursorFromPoint, resumePointFromCursor } from './resume-cursor.js';

interface Chunk {
  readonly stream: OutputStreamV1;
  readonly text: string;
  /** Some adapters give a cursor only now and then. */
  readonly hasCursor: boolean;
}

/** What a source delivers behind a cursor: the number of chunks before it. */
const chunksAfter = (chunks: readonly Chunk[], cursor: string | null): readonly (Chunk & { index: number })[] =>
  chunks.map((chunk, index) => ({ ...chunk, index })).slice(cursor === null ? 0 : Number(cursor));

/** Stores what a life of the host stored, and ends it before chunk `dieAt`, without any farewell. */
function live(
  chunks: readonly Chunk[],
  secrets: readonly string[],
  stored: { stream: OutputStreamV1; text: string; cursor: string | null }[],
  dieAt: number,
): void {
  const resume = resumePointFromCursor(stored.at(-1)?.cursor ?? null);
  const output = createRedactedOutput({ secrets, resume, isResumable: true });
  for (const chunk of chunksAfter(chunks, resume.adapterCursor)) {
    if (chunk.index >= dieAt) return;
    const piece = output.take(chunk.stream, chunk.text, chunk.hasCursor ? String(chunk.index + 1) : null);
    if (piece) stored.push({ stream: chunk.stream, ...piece });
  }
  if (dieAt >= chunks.length + 1) for (const piece of output.finish()) stored.push(piece);
}

const textOf = (stored: readonly { stream: string; text: string }[], stream: string): string =>
  stored
    .filter((piece) => piece.stream === stream)
    .map((piece) => piece.text)
    .join('');

describe('redacted output over host crashes', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '*', '\n'), minLength: 0, maxLength: 7 });
  const chunk = fc.record({
    stream: fc.constantFrom<OutputStreamV1>('stdout', 'stderr'),
    text: letters,
    hasCursor: fc.boolean(),
  });
  const secrets = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 5 }), { maxLength: 3 });

  it('stores the same text with any crashes as without one', () => {
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 25 }),
        secrets,
        fc.array(fc.nat(26), { maxLength: 5 }),
        (chunks, hidden, deaths) => {
          const whole: Parameters<typeof live>[2] = [];
          live(chunks, hidden, whole, chunks.length + 1);
          const crashed: Parameters<typeof live>[2] = [];
          for (const dieAt of deaths) live(chunks, hidden, crashed, Math.min(dieAt, chunks.length));
          live(chunks, hidden, crashed, chunks.length + 1);
          expect(textOf(crashed, 'stdout')).toBe(textOf(whole, 'stdout'));
          expect(textOf(crashed, 'stderr')).toBe(textOf(whole, 'stderr'));
        },
      ),
      { numRuns: 800 },
    );
  });

  it('hides a secret that is cut by a crash', () => {
    const chunks = ['key=sec', 'ret!', 'done'].map((text) => ({ stream: 'stdout' as const, text, hasCursor: true }));
    const stored: Parameters<typeof live>[2] = [];
    live(chunks, ['secret'], stored, 1);
    expect(textOf(stored, 'stdout')).toBe('key=');
    live(chunks, ['secret'], stored, chunks.length + 1);
    expect(textOf(stored, 'stdout')).toBe('key=***!done');
  });

  it("stores the adapter's own cursor when there is nothing to skip, and none for work that cannot be resumed", () => {
    const resume = resumePointFromCursor(null);
    const plain = createRedactedOutput({ secrets: ['secret'], resume, isResumable: true });
    expect(plain.take('stdout', 'hello', 'o:5')).toEqual({ text: 'hello', cursor: 'o:5' });
    const attached = createRedactedOutput({ secrets: [], resume, isResumable: false });
    expect(attached.take('stdout', 'hello', 'o:5')).toEqual({ text: 'hello', cursor: null });
  });
});

describe('the stored form of a resume point', () => {
  it("gives back what was put in, whatever the adapter's cursor looks like", () => {
    const units = fc.nat(1_000_000);
    const point = fc.record({
      adapterCursor: fc.option(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `~${text}`),
          fc.constant('~1.2.3+x'),
        ),
        { nil: null },
      ),
      stored: fc.record({ stdout: units, stderr: units, system: units }),
    });
    fc.assert(
      fc.property(point, (given) => {
        expect(resumePointFromCursor(resumeCursorFromPoint(given))).toEqual(given);
      }),
    );
    expect(
      resumePointFromCursor(resumeCursorFromPoint({ adapterCursor: null, stored: { stdout: 0, stderr: 0, system: 0 } }))
        .adapterCursor,
    ).toBeNull();
  });
});
