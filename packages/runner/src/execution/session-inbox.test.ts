import type { SessionWorkerV1, SessionWriteV1 } from '@runbeat/adapter-sdk';
import type { RunnerLogLine, RunnerSessionCommand } from '@runbeat/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSessionInbox } from './session-inbox.js';
import { createSessionProgressReader } from './session-progress.js';

const prompt = (seq: number): RunnerSessionCommand => ({
  seq,
  action: { kind: 'prompt', promptId: `p${seq}`, prompt: seq },
});

/** A worker that notes what was written to it, and a log that lives on when the process (the inbox) does not. */
function bench(write: (promptId: string) => Promise<SessionWriteV1> = async () => ({ written: true })) {
  const log: RunnerLogLine[] = [];
  const written: string[] = [];
  const errors: unknown[] = [];
  const worker = {
    resumeState: null,
    async prompt(promptId: string) {
      written.push(promptId);
      return write(promptId);
    },
    cancel: async () => ({ written: true }),
    answer: async () => ({ written: true }),
    stop: async () => ({ stopped: 'graceful' }),
    exited: new Promise<never>(() => undefined),
  } satisfies SessionWorkerV1;
  const open = () => {
    const progress = createSessionProgressReader();
    for (const line of log) progress.take(line);
    const inbox = createSessionInbox({
      begunSeq: () => progress.progress().commandSeq,
      async append(line) {
        progress.take(line);
        log.push(line);
      },
      flush: async () => undefined,
      onError: (error) => errors.push(error),
    });
    return { inbox, progress };
  };
  return { log, written, errors, worker, open };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('writes in the order of the numbers, each once, whatever order and however often the polls bring them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }), { maxLength: 12 }), async (polls) => {
      const { worker, written, open } = bench();
      const { inbox } = open();
      inbox.open(worker);
      for (const seqs of polls) {
        inbox.take(seqs.map(prompt));
        if (seqs.length % 2 === 0) await settle();
      }
      inbox.take(Array.from({ length: 12 }, (_, n) => prompt(n + 1)));
      await expect.poll(() => written.length).toBe(12);
      expect(written).toEqual(Array.from({ length: 12 }, (_, n) => `p${n + 1}`));
    }),
    { numRuns: 50 },
  );
});

test('waits for a worker, and for the beginning of a command to be in the file before it is written', async () => {
  const { log, worker, written, open } = bench();
  const { inbox } = open();
  inbox.take([prompt(1)]);
  await settle();
  expect(log).toEqual([]);
  inbox.open(worker);
  await expect.poll(() => written).toEqual(['p1']);
  expect(log[0]).toEqual({ k: 'begun', q: 1, p: 'p1' });
  await expect.poll(() => log[1]).toEqual({ k: 'wrote', q: 1 });
});

test('a process that is killed at any point of a write leaves no command that the next one would write again', async () => {
  const { log, worker, written, open } = bench(() => new Promise(() => undefined));
  const first = open();
  first.inbox.open(worker);
  first.inbox.take([prompt(1), prompt(2)]);
  await expect.poll(() => written).toEqual(['p1']);
  // Killed here. The server repeats everything behind what the next process reports.
  const next = open();
  expect(next.progress.progress()).toMatchObject({ commandSeq: 1, unwrittenSeq: 1, promptsInFlight: ['p1'] });
  next.inbox.open(worker);
  next.inbox.take([prompt(1), prompt(2)]);
  await expect.poll(() => written).toEqual(['p1', 'p2']);
  expect(log.filter((line) => line.k === 'begun')).toHaveLength(2);
});

test('what was not begun is forgotten before a new session: the server may give the number to something else', async () => {
  const { worker, written, open } = bench();
  const { inbox } = open();
  inbox.take([prompt(1)]);
  inbox.forget();
  inbox.take([{ seq: 1, action: { kind: 'prompt', promptId: 'another', prompt: null } }]);
  inbox.open(worker);
  await expect.poll(() => written).toEqual(['another']);
});

test('a write that fails, or throws against the contract, is told; the next command is tried', async () => {
  const { log, worker, errors, open } = bench(async (promptId) => {
    if (promptId === 'p1') return { written: false, reason: 'write_timeout', message: 'it does not read' };
    throw new Error('boom');
  });
  const { inbox } = open();
  inbox.open(worker);
  inbox.take([prompt(1), prompt(2)]);
  await expect.poll(() => log.filter((line) => line.k === 'wrote')).toHaveLength(2);
  expect(log.filter((line) => line.k === 'wrote')).toEqual([
    { k: 'wrote', q: 1, e: 'write_timeout', m: 'it does not read' },
    { k: 'wrote', q: 2, e: 'stdin_broken', m: 'boom' },
  ]);
  expect(errors).toEqual([]);
});

test('progress forgets prompts that settled and requests that were answered or whose prompt settled', () => {
  const reader = createSessionProgressReader();
  const lines: RunnerLogLine[] = [
    { k: 'begun', q: 1, p: 'one' },
    { k: 'wrote', q: 1 },
    { k: 'said', o: { kind: 'request', promptId: 'one', requestId: 'r1', request: null } },
    { k: 'said', o: { kind: 'request', promptId: 'one', requestId: 'r2', request: null } },
    { k: 'begun', q: 2, r: 'r1' },
  ];
  for (const line of lines) reader.take(line);
  expect(reader.progress()).toEqual({
    commandSeq: 2,
    promptId: 'one',
    unwrittenSeq: 2,
    promptsInFlight: ['one'],
    requestsOpen: [{ requestId: 'r2', promptId: 'one' }],
  });
  reader.take({ k: 'said', o: { kind: 'completed', promptId: 'one', result: null } });
  expect(reader.progress()).toMatchObject({ promptsInFlight: [], requestsOpen: [] });
});
