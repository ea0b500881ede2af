import type { AdapterV1, SessionWorkerV1 } from '@runbeat/adapter-sdk';
import { describe, expect, it, test } from 'vitest';
import { adapterConformance, type ConformanceOptions, runConformance } from '../src/index.js';
import { openSession, reattachSession } from './fixtures/session-adapter.mjs';
import { scriptedConformance } from './scripted-conformance.js';

/** The scripted adapter with real conversations beside its scripted work; `change` may break a worker. */
function interactiveConformance(
  change: (worker: SessionWorkerV1) => SessionWorkerV1 = (worker) => worker,
): Omit<ConformanceOptions, 'test'> {
  const { options } = scriptedConformance({ kind: 'attached' });
  return {
    ...options,
    createAdapter: (): AdapterV1 => ({
      ...options.createAdapter(),
      interactive: {
        protocol: 'json-rpc-lines',
        open: async (context) => change(await openSession(context)),
        reattach: async (context) => {
          const worker = await reattachSession(context);
          return worker && change(worker);
        },
      },
    }),
    scripts: {
      ...options.scripts,
      failToStart: { failToStart: 'no such program', command: 'runbeat-conformance-no-such-command' },
      interactive: {
        answers: { mode: 'answers' },
        worksUntilCancelled: { mode: 'worksUntilCancelled' },
        diesOnPrompt: { mode: 'diesOnPrompt' },
        closesStdin: { mode: 'closesStdin' },
        prompt: 'Hello',
      },
    },
  };
}

describe('an adapter that holds conversations', () => {
  adapterConformance({ test, ...interactiveConformance() });
});

const seen = new WeakSet<SessionWorkerV1>();

const broken: { name: string; fails: string; change: (worker: SessionWorkerV1) => SessionWorkerV1 }[] = [
  {
    name: 'does not pass prompts on',
    fails: 'interactive: a prompt is answered and settles once, under its own id',
    change: (worker) => ({
      ...worker,
      prompt: async (id, prompt) => (id === 'prompt-2' ? { written: true } : worker.prompt(id, prompt)),
    }),
  },
  {
    name: 'throws a broken stdin',
    fails: 'interactive: a stdin that nobody reads is a value, not an exception, and the host lives on',
    change: (worker) => ({
      ...worker,
      prompt: async (id, prompt) => {
        const write = await worker.prompt(id, prompt);
        if (!write.written && id === 'prompt-1') throw new TypeError('write EPIPE');
        return write;
      },
    }),
  },
  {
    name: 'takes a crash for a stop',
    fails: 'interactive: the death of a worker with a prompt in flight is told by exited, and a later write is a value',
    change: (worker) => ({
      ...worker,
      exited: worker.exited.then((exit) => (exit.exitCode === 7 ? { ...exit, reason: 'stop' as const } : exit)),
    }),
  },
  {
    name: 'stops a second time what is gone',
    fails: 'interactive: stop ends the worker, also when it is called twice and again after the end',
    change: (worker) => ({
      ...worker,
      stop: async (options) => {
        const { stopped } = await worker.stop(options);
        return { stopped: stopped === 'already_gone' ? 'graceful' : stopped };
      },
    }),
  },
  {
    name: 'loses a cancel',
    fails: 'interactive: a prompt in flight can be cancelled, and settles',
    change: (worker) => {
      // Broken for the first worker of a process only: the one that is taken over has another test.
      const isTakenOver = seen.has(worker);
      seen.add(worker);
      if (isTakenOver) return worker;
      return { ...worker, cancel: async () => ({ written: false, reason: 'stdin_broken', message: 'lost' }) };
    },
  },
];

describe('a broken conversation fails exactly the test that is about its fault', () => {
  it.concurrent.each(broken)(
    'one that $name',
    async ({ fails, change }) => {
      const verdicts = await runConformance({ ...interactiveConformance(change), limitMs: 10_000 });
      expect(verdicts.flatMap(({ title, failure }) => (failure === null ? [] : [title]))).toEqual([fails]);
    },
    60_000,
  );

  it('and so does one that does not find its worker again', async () => {
    const options = interactiveConformance();
    const createAdapter = (): AdapterV1 => ({
      ...options.createAdapter(),
      interactive: { protocol: 'json-rpc-lines', open: openSession, reattach: async () => null },
    });
    const verdicts = await runConformance({ ...options, createAdapter, limitMs: 10_000 });
    expect(verdicts.flatMap(({ title, failure }) => (failure === null ? [] : [title]))).toEqual([
      'interactive: a worker whose host shuts down lives on, is taken over, and its prompt in flight settles once',
    ]);
  }, 60_000);

  it('and so does one that rejects with a bare error when it cannot start', async () => {
    const options = interactiveConformance();
    const createAdapter = (): AdapterV1 => ({
      ...options.createAdapter(),
      interactive: {
        protocol: 'json-rpc-lines',
        open: (context) =>
          openSession(context).catch((error: Error) => {
            throw new TypeError(error.message);
          }),
      },
    });
    const verdicts = await runConformance({ ...options, createAdapter, limitMs: 10_000 });
    expect(verdicts.flatMap(({ title, failure }) => (failure === null ? [] : [title]))).toEqual([
      'interactive: a worker that cannot be started is a start_failed, and nothing stays alive',
    ]);
  }, 60_000);
});
