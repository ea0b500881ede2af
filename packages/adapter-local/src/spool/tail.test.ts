import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RunFolder, runFolder } from '../capsule/run-folder.js';
import { openSpool } from './open-spool.js';
import { parseSpoolCursor, spoolStart } from './spool-cursor.js';
import { tailSpool } from './tail.js';
import { createWake } from './wake.js';

let parent = '';
let folder: RunFolder;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'runbeat-tail-'));
  folder = runFolder(parent, 'run');
  mkdirSync(folder.path);
  writeFileSync(folder.stdout, '');
  writeFileSync(folder.stderr, '');
});
afterEach(() => rmSync(parent, { recursive: true }));

interface Piece {
  readonly stream: string;
  readonly text: string;
  readonly cursor: string;
}

/** Tails from a cursor; `takes` = how many pieces the host takes before it lets go, Infinity = all to the end. */
async function tail(
  afterCursor: string | null,
  takes = Number.POSITIVE_INFINITY,
  onPiece: (piece: Piece) => void = () => {},
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  const detach = new AbortController();
  const wake = createWake(folder.path);
  if (takes === 0) detach.abort();
  await tailSpool({
    spool: openSpool(folder, parseSpoolCursor(afterCursor)),
    wake,
    hasEnded: () => true,
    async onLog(stream, text, mark) {
      const piece = { stream, text, cursor: mark?.cursor ?? '' };
      pieces.push(piece);
      onPiece(piece);
      if (pieces.length >= takes) detach.abort();
    },
    detach: detach.signal,
  });
  wake.close();
  return pieces;
}

const textOf = (pieces: readonly Piece[], stream: string): string =>
  pieces.map((piece) => (piece.stream === stream ? piece.text : '')).join('');

it('hands on any bytes once and in order, wherever hosts let go and go on', async () => {
  // Mostly characters of one to four bytes, here and there bytes that are none.
  const text = fc
    .tuple(fc.string({ unit: 'grapheme' }), fc.nat({ max: 12_000 }))
    .map(([part, times]) => Buffer.from(part.repeat(times).slice(0, 300_000)));
  const bytes = fc
    .array(fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }) }), { maxLength: 4 })
    .map((parts) => Buffer.concat(parts));
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.array(fc.nat({ max: 4 }), { maxLength: 6 }), async (stdout, stderr, hosts) => {
      writeFileSync(folder.stdout, stdout);
      writeFileSync(folder.stderr, stderr);
      const stored: Piece[] = [];
      for (const takes of [...hosts, Number.POSITIVE_INFINITY]) {
        stored.push(...(await tail(stored.at(-1)?.cursor ?? null, takes)));
      }
      // The property holds for what was cut between characters; bytes that are none are decoded where they stand.
      expect(textOf(stored, 'stdout')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(stdout));
      expect(textOf(stored, 'stderr')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(stderr));
      expect(stored.every(({ text }) => Buffer.byteLength(text) <= 65_536 && text !== '')).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it('waits for the rest of a character, and reads what is appended while it hands on', async () => {
  const whole = Buffer.from('aé€😀');
  writeFileSync(folder.stdout, whole.subarray(0, 4));
  const pieces = await tail(null, Number.POSITIVE_INFINITY, ({ text }) => {
    if (text === 'aé') appendFileSync(folder.stdout, whole.subarray(4));
  });
  expect(textOf(pieces, 'stdout')).toBe('aé€😀');
});

it('wakes for what is written after it had nothing to read', async () => {
  const wake = createWake(folder.path, { safetyMs: 60_000 });
  const seen: string[] = [];
  let hasEnded = false;
  const done = tailSpool({
    spool: openSpool(folder, spoolStart),
    wake,
    hasEnded: () => hasEnded,
    async onLog(_stream, text) {
      seen.push(text);
      if (seen.length === 2) {
        hasEnded = true;
        wake.poke();
      }
    },
    onLook: () => {
      // Between the look and the wait: the notice must not be missed.
      if (seen.length < 2) appendFileSync(folder.stderr, `${seen.length}\n`);
    },
    detach: new AbortController().signal,
  });
  await done;
  wake.close();
  expect(seen.join('')).toMatch(/^0\n.*1\n/s);
});

it('goes on polling under many writes, and watches again when they cease', async () => {
  const wake = createWake(folder.path, { pollMs: 5, burst: 3, safetyMs: 60_000 });
  const states: string[] = [];
  for (let write = 0; write < 20; write += 1) {
    appendFileSync(folder.stdout, 'x');
    states.push(await wake.next(true));
  }
  // Looks in vain lead back to watching, where only a write wakes.
  for (let look = 0; look < 10; look += 1) {
    const waiting = wake.next(false);
    // Polling needs no help; a wait for a notice gets one.
    appendFileSync(folder.stdout, 'x');
    states.push(await waiting);
  }
  wake.close();
  expect(states).not.toContain('quiet');
});

it('starts again at the beginning of a file that became shorter while no host looked', async () => {
  writeFileSync(folder.stdout, 'new\n');
  const pieces = await tail('1:10:0');
  expect(pieces.map(({ stream, text, cursor }) => [stream, text.slice(0, 30), cursor])).toEqual([
    ['system', 'The command truncated its stdo', '1:0:0'],
    ['stdout', 'new\n', '1:4:0'],
  ]);
});

it('polls where no watch can be had', async () => {
  const wake = createWake(join(parent, 'no-such-folder'), { pollMs: 2 });
  expect(await wake.next(true)).toBe('changed');
  expect(await wake.next(false)).toBe('quiet');
  wake.close();
});
