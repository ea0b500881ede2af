import type { SessionOutputV1 } from '@runbeat/adapter-sdk';
import { expect, test } from 'vitest';
import { createSessionDesk } from './session-desk.js';

const behind = { offset: 7, chain: 'c' };

function desk(promptsInFlight: readonly string[] | null = null) {
  const outputs: { output: SessionOutputV1; cursor: string | undefined }[] = [];
  let told = 0;
  const made = createSessionDesk({
    sinks: {
      onOutput: async (output, mark) => void outputs.push({ output, cursor: mark?.cursor }),
      onEvent: async () => undefined,
    },
    resumeState: 'before',
    promptsInFlight,
    onCommand: () => {
      told += 1;
    },
    track: (_what, work) => void work.catch(() => undefined),
  });
  return { desk: made, outputs, told: () => told };
}
const prompt = (promptId: string) => ({ kind: 'prompt', promptId, prompt: promptId }) as const;

test('commands are repeated until the runner shows that it has begun them, by its log or by its report', async () => {
  const { desk: one, told } = desk();
  const first = one.say(prompt('a'));
  void one.say(prompt('b'));
  void one.say(prompt('c'));
  expect(told()).toBe(3);
  expect(one.commands().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(one.commands().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  await one.sinks.onLine({ k: 'begun', q: 1, p: 'a' }, behind);
  expect(one.commands().map(({ seq }) => seq)).toEqual([2, 3]);
  one.onReport({ commandSeq: 2, promptId: 'b' });
  expect(one.commands().map(({ seq }) => seq)).toEqual([3]);
  // A report that was on its way for longer changes nothing.
  one.onReport({ commandSeq: 1, promptId: 'a' });
  expect(one.commands().map(({ seq }) => seq)).toEqual([3]);
  await one.sinks.onLine({ k: 'wrote', q: 1 }, behind);
  expect(await first).toEqual({ written: true });
});

test('a broken write is told to the one who waits for it', async () => {
  const { desk: one } = desk();
  const writing = one.say(prompt('a'));
  await one.sinks.onLine({ k: 'wrote', q: 1, e: 'stdin_broken', m: 'EPIPE' }, behind);
  expect(await writing).toEqual({ written: false, reason: 'stdin_broken', message: 'EPIPE' });
});

test('taken over: nothing is numbered before the runner reports, then the numbers go on behind its own', async () => {
  const { desk: one } = desk(['a']);
  const writing = one.say({ kind: 'cancel', promptId: 'a' });
  expect(one.commands()).toEqual([]);
  one.onReport({ commandSeq: 4, promptId: 'a' });
  expect(one.commands()).toEqual([{ seq: 5, action: { kind: 'cancel', promptId: 'a' } }]);
  await one.sinks.onLine({ k: 'wrote', q: 5 }, behind);
  expect(await writing).toEqual({ written: true });
});

test('taken over: a prompt that the runner has begun stays in flight, one that never reached it is settled once', async () => {
  const known = desk(['a']);
  known.desk.onReport({ commandSeq: 1, promptId: 'a' });
  expect(known.outputs).toEqual([]);
  const lost = desk(['b']);
  lost.desk.onReport({ commandSeq: 1, promptId: 'a' });
  lost.desk.onReport({ commandSeq: 1, promptId: 'a' });
  expect(lost.outputs).toEqual([
    { output: expect.objectContaining({ kind: 'failed', promptId: 'b', code: 'prompt_undelivered' }), cursor: undefined },
  ]);
});

test('outputs carry the place behind them; the state for the next worker follows the log', async () => {
  const { desk: one, outputs } = desk();
  let isOpen = false;
  void one.opened.then(() => {
    isOpen = true;
  });
  await one.sinks.onLine({ k: 'opened', v: 'conversation 1' }, behind);
  await one.opened;
  expect(isOpen).toBe(true);
  await one.sinks.onLine({ k: 'resume', v: 'conversation 2' }, behind);
  expect(one.resumeState()).toBe('conversation 2');
  await one.sinks.onLine({ k: 'said', o: { kind: 'cancelled', promptId: 'a' } }, behind);
  expect(outputs).toEqual([{ output: { kind: 'cancelled', promptId: 'a' }, cursor: '7:c' }]);
});

test('the end of the worker ends what waits, and what comes later at once', async () => {
  const { desk: one } = desk();
  const writing = one.say(prompt('a'));
  one.close();
  expect(await writing).toMatchObject({ written: false, reason: 'stdin_broken' });
  expect(await one.say(prompt('b'))).toMatchObject({ written: false, reason: 'stdin_broken' });
});

test('nonsense and lines of a run are refused with a code, and taken from nobody', async () => {
  const { desk: one, outputs } = desk();
  await expect(one.sinks.onLine({ k: 'log', s: 'stdout', t: 'x', at: 'now' }, behind)).rejects.toMatchObject({
    code: 'runner_log_invalid',
  });
  await one.sinks.onLine({ k: 'said-part', t: '{"kind":' }, behind);
  await expect(one.sinks.onLine({ k: 'said-end' }, behind)).rejects.toMatchObject({ code: 'runner_log_invalid' });
  expect(outputs).toEqual([]);
});

test('one answer carries a bounded amount, and always the next command', () => {
  const { desk: one } = desk();
  for (const name of ['a', 'b', 'c']) void one.say({ kind: 'prompt', promptId: name, prompt: 'x'.repeat(3_000_000) });
  expect(one.commands().map(({ seq }) => seq)).toEqual([1]);
});
