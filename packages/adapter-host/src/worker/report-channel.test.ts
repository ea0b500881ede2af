import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReportEntry } from './messages.js';
import { createReportChannel } from './report-channel.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function channel() {
  const sent: { first: number; entries: ReportEntry[] }[] = [];
  const made = createReportChannel((first, entries) => sent.push({ first, entries: structuredClone([...entries]) }));
  /** Acknowledges all that was sent; `error` is the last one's. */
  const acknowledge = (error: Error | null = null): void => {
    const last = sent.at(-1);
    if (last) made.acknowledge(last.first + last.entries.length - 1, error);
  };
  return { channel: made, sent, acknowledge, entries: () => sent.flatMap((message) => message.entries) };
}
const log = (text: string, cursor?: string) =>
  ({ kind: 'log', stream: 'stdout', text, ...(cursor === undefined ? {} : { mark: { cursor } }) }) as const;

test('the first report goes at once; later ones gather until the turn ends', async () => {
  const { channel: one, sent, entries } = channel();
  await one.log(log('a'));
  expect(sent).toHaveLength(1);
  await one.log(log('b'));
  await one.log(log('c'));
  expect(sent).toHaveLength(1);
  await turn();
  expect(sent).toHaveLength(2);
  expect(entries()).toEqual([log('a'), log('bc')]);
});

test('a full window makes the next log wait until there is room', async () => {
  const { channel: one, sent, acknowledge } = channel();
  const text = 'x'.repeat(512 * 1024);
  await one.log({ ...log(text) });
  await one.log({ ...log(text) });
  let isThrough = false;
  const third = one.log({ ...log('y') }).then(() => {
    isThrough = true;
  });
  await turn();
  expect([isThrough, sent.length]).toEqual([false, 3]);
  acknowledge();
  await third;
});

test('an adapter that does not wait for its logs fills its own memory, not the host’s', async () => {
  const { channel: one, sent, acknowledge } = channel();
  const text = 'x'.repeat(100_000);
  const logs = Array.from({ length: 100 }, (_, n) => one.log({ ...log(`${n} ${text}`) }));
  await turn();
  const sentLength = (): number =>
    sent.reduce(
      (sum, { entries }) => sum + entries.reduce((part, entry) => part + (entry.kind === 'log' ? entry.text.length : 0), 0),
      0,
    );
  expect(sentLength()).toBeLessThan(1_300_000);
  const drained = one.drain();
  for (let before = -1; before !== sentLength(); ) {
    before = sentLength();
    acknowledge();
  }
  await Promise.all([...logs, drained]);
  expect(
    sent.flatMap(({ entries }) => entries).map((entry) => (entry.kind === 'log' ? Number.parseInt(entry.text, 10) : -1)),
  ).toEqual(logs.map((_, n) => n));
});

test('a handle waits for the host’s answer, and its refusal concerns it alone', async () => {
  const { channel: one, acknowledge } = channel();
  const handle = { kind: 'external', formatVersion: 1, ref: null } as const;
  const spawned = one.report({ kind: 'spawn', handle });
  acknowledge(new Error('not stored'));
  await expect(spawned).rejects.toThrow('not stored');
  await one.log(log('still fine'));
  acknowledge();
  await expect(one.drain()).resolves.toBeUndefined();
});

test('a refused log rejects the later ones, and is not told a second time at the end', async () => {
  const { channel: one, acknowledge } = channel();
  await one.log(log('a'));
  acknowledge(new Error('full'));
  await expect(one.log(log('b'))).rejects.toThrow('full');
  await expect(one.drain()).resolves.toBeUndefined();
});

test('a refused log that nobody heard of is told at the end, and nothing is taken after it', async () => {
  const { channel: one, acknowledge } = channel();
  await one.log(log('a'));
  const drained = one.drain();
  acknowledge(new Error('full'));
  await expect(drained).rejects.toThrow('full');
  await expect(one.log(log('late'))).rejects.toMatchObject({ code: 'adapter_closed' });
  await expect(one.report({ kind: 'alive' })).rejects.toMatchObject({ code: 'adapter_closed' });
});

test('however logs are joined, text, order and the meaning of cursors stay', async () => {
  const piece = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.integer({ min: 1, max: 30_000 }).map((length) => 'z'.repeat(length)),
    ),
    hasCursor: fc.boolean(),
    at: fc.option(fc.constant('2026-01-01T00:00:00Z'), { nil: undefined }),
    endsTurn: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const { channel: one, acknowledge, entries } = channel();
      const offsets: Record<string, number> = { stdout: 0, stderr: 0 };
      let total = '';
      for (const { stream, text, hasCursor, at, endsTurn } of pieces) {
        total += `${stream}:${text}`.slice(stream.length + 1);
        offsets[stream] = (offsets[stream] ?? 0) + text.length;
        // The cursor is the offset of its stream behind the text, as an adapter that reads a file gives it.
        const mark = { ...(hasCursor ? { cursor: `${stream} ${offsets[stream]}` } : {}), ...(at === undefined ? {} : { at }) };
        await one.log({ kind: 'log', stream, text, ...(Object.keys(mark).length === 0 ? {} : { mark }) });
        if (!endsTurn) continue;
        await turn();
        acknowledge();
      }
      await turn();
      const seen: Record<string, number> = { stdout: 0, stderr: 0 };
      let joined = '';
      for (const entry of entries()) {
        if (entry.kind !== 'log') continue;
        joined += entry.text;
        seen[entry.stream] = (seen[entry.stream] ?? 0) + entry.text.length;
        expect(Buffer.byteLength(entry.text)).toBeLessThanOrEqual(65_536);
        if (entry.mark?.cursor !== undefined) expect(entry.mark.cursor).toBe(`${entry.stream} ${seen[entry.stream]}`);
      }
      expect(joined).toBe(total);
    }),
    { numRuns: 60 },
  );
});
