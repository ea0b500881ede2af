import { createHash } from 'node:crypto';
import type { RunSinksV1 } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runJobSinks } from './job-sinks.js';
import { logCursorFromText, startOfLog } from './log-cursor.js';
import { createLogIntake } from './log-intake.js';

const lines = Array.from({ length: 40 }, (_, n) =>
  Buffer.from(`${JSON.stringify({ k: 'log', s: 'stdout', t: `${n} äöü😀`.repeat(1 + (n % 5)), at: 'now' })}\n`),
);
const whole = Buffer.concat(lines);
const borders = [0];
for (const line of lines) borders.push((borders.at(-1) ?? 0) + line.length);
const texts = lines.map((line) => (JSON.parse(line.toString()) as { t: string }).t);
const chainOf = (end: number): string =>
  lines
    .slice(0, borders.indexOf(end))
    .reduce((chain, line) => createHash('sha256').update(chain).update(line).digest('base64url'), '');

function recorder(failAt = -1) {
  const records: { text: string; cursor: string }[] = [];
  let calls = 0;
  const sinks: RunSinksV1 = {
    async onLog(_stream, text, mark) {
      if (calls++ === failAt) throw new Error('the store is away');
      records.push({ text, cursor: mark?.cursor ?? '' });
    },
    onAlive: async () => undefined,
    onEvent: async () => undefined,
  };
  return { records, sinks: runJobSinks(sinks) };
}

test('whatever ranges are uploaded at once and twice, each record is handed on once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(39), fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 30 }),
      async (wishes) => {
        const { records, sinks } = recorder();
        const intake = createLogIntake(sinks, startOfLog);
        const uploads = wishes.map(([first, count]) => [borders[first] ?? 0, borders[Math.min(40, first + count)] ?? 0] as const);
        await Promise.all(uploads.map(([from, to]) => intake.receive({ from, to }, whole.subarray(from, to))));
        expect(records.map((record) => record.text)).toEqual(texts.slice(0, records.length));
        const { offset, chain } = intake.position();
        expect(offset).toBe(borders[records.length]);
        expect(chain).toBe(chainOf(offset));
        // A restarted server goes on from the cursor of any record.
        for (const [n, record] of records.entries()) {
          expect(logCursorFromText(record.cursor)).toEqual({ offset: borders[n + 1], chain: chainOf(borders[n + 1] ?? 0) });
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a record that the store did not take is not counted as stored, and is taken when it is sent again', async () => {
  const { records, sinks } = recorder(3);
  const intake = createLogIntake(sinks, startOfLog);
  await expect(intake.receive({ from: 0, to: whole.length }, whole)).rejects.toThrow('the store is away');
  expect(intake.position().offset).toBe(borders[3]);
  expect(await intake.receive({ from: 0, to: whole.length }, whole)).toEqual({ kind: 'stored', next: whole.length });
  expect(records.map((record) => record.text)).toEqual(texts);
});

/** Lines that make large ranges, which are answered before they are handed on. */
const large = Buffer.concat(
  Array.from({ length: 40 }, (_, n) =>
    Buffer.from(`${JSON.stringify({ k: 'log', s: 'stdout', t: `${n} `.padEnd(30_000, 'x'), at: 'now' })}\n`),
  ),
);
const largeLine = large.length / 40;

test('a large range is answered while it is handed on; the next one and the finish come behind it', async () => {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let taken = 0;
  const onLine = async (): Promise<void> => {
    await held;
    taken += 1;
  };
  const intake = createLogIntake({ onLine }, startOfLog);
  const half = largeLine * 20;
  expect(await intake.receive({ from: 0, to: half }, large.subarray(0, half))).toEqual({ kind: 'stored', next: half });
  expect(taken).toBe(0);
  expect(intake.position().offset).toBe(0);
  const finish = intake.finish(large.length, 'x');
  letGo();
  expect(await finish).toEqual({ kind: 'resend', from: half });
  expect(taken).toBe(20);
});

test('what had been answered and was not taken is told with the next range, and its runner is sent back', async () => {
  const { records, sinks } = recorder(3);
  const intake = createLogIntake(sinks, startOfLog);
  const half = largeLine * 20;
  const receive = (from: number, to: number) => intake.receive({ from, to }, large.subarray(from, to));
  expect(await receive(0, half)).toEqual({ kind: 'stored', next: half });
  expect(await intake.finish(half, '')).toEqual({ kind: 'resend', from: largeLine * 3 });
  expect(intake.takeSetback()).toBe(largeLine * 3);
  expect(intake.takeSetback()).toBeNull();
  await expect(receive(half, large.length)).rejects.toThrow('the store is away');
  expect(await receive(half, large.length)).toEqual({ kind: 'rewind', next: largeLine * 3 });
  await receive(largeLine * 3, large.length);
  await intake.finish(large.length, '');
  expect(records).toHaveLength(40);
});

test.each([
  ['not JSON', Buffer.from('nonsense\n')],
  ['no record', Buffer.from('{"k":"log","s":"elsewhere","t":"x","at":"now"}\n')],
  ['cut in the middle of a line', lines[0]?.subarray(0, 10) ?? Buffer.alloc(0)],
])('%s is refused and stores nothing', async (_name, body) => {
  const { records, sinks } = recorder();
  const intake = createLogIntake(sinks, startOfLog);
  await expect(intake.receive({ from: 0, to: body.length }, body)).rejects.toMatchObject({ code: 'runner_log_invalid' });
  expect(records).toEqual([]);
});

test('after the end nothing is handed on', async () => {
  const { records, sinks } = recorder();
  const intake = createLogIntake(sinks, startOfLog);
  intake.close();
  await expect(intake.receive({ from: 0, to: whole.length }, whole)).rejects.toMatchObject({ code: 'run_not_attached' });
  expect(records).toEqual([]);
});
