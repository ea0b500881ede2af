import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isAdapterError,
  parseAdapterConfig,
  type RunHandleV1,
  type SessionWorkerV1,
  type SessionWriteV1,
} from '@runbeat/adapter-sdk';
import { createRecordingSession, type RecordingSession } from '../context/recording-session.js';
import type { Bench } from './bench.js';
import type { ConformanceTest } from './conformance-test.js';
import type { InteractiveScripts } from './scripts.js';

/** Conversations over stdin: what `interactive` promises. */
export const interactiveGroup: readonly ConformanceTest[] = [
  {
    title: 'interactive: a prompt is answered and settles once, under its own id',
    run: (bench) =>
      withWorker(bench, 'answers', async ({ worker, session, prompt }) => {
        for (const promptId of ['prompt-1', 'prompt-2']) {
          assert.deepEqual(await bench.within('the prompt to be written', worker.prompt(promptId, prompt)), { written: true });
          await session.waitUntil(`the settlement of ${promptId}`, () => session.settlements(promptId).length > 0, bench.limitMs);
        }
        await delay(100);
        for (const promptId of ['prompt-1', 'prompt-2']) {
          assert.deepEqual(
            session.settlements(promptId).map(({ kind }) => kind),
            ['completed'],
          );
        }
      }),
  },
  {
    title: 'interactive: a prompt in flight can be cancelled, and settles',
    run: (bench) =>
      withWorker(bench, 'worksUntilCancelled', async ({ worker, session, prompt }) => {
        await bench.within('the prompt to be written', worker.prompt('prompt-1', prompt));
        assert.deepEqual(await bench.within('the cancel to be written', worker.cancel('prompt-1')), { written: true });
        await session.waitUntil('the settlement of prompt-1', () => session.settlements('prompt-1').length > 0, bench.limitMs);
        assert.equal(session.settlements('prompt-1').length, 1);
      }),
  },
  {
    title: 'interactive: the death of a worker with a prompt in flight is told by exited, and a later write is a value',
    run: (bench) =>
      withWorker(bench, 'diesOnPrompt', async ({ worker, prompt }) => {
        await bench.within('the prompt to settle', worker.prompt('prompt-1', prompt));
        const exit = await bench.within('exited', worker.exited);
        assert.deepEqual([exit.reason, exit.exitCode], ['process_exit', 7], `exited gave ${JSON.stringify(exit)}.`);
        assertBroken(await bench.within('a write to a dead worker to settle', worker.prompt('prompt-after-death', prompt)));
      }),
  },
  {
    title: 'interactive: a stdin that nobody reads is a value, not an exception, and the host lives on',
    run: (bench) =>
      withWorker(bench, 'closesStdin', async ({ worker, prompt }) => {
        // The worker closes its stdin a moment after its start, and a first write may still be taken by the system.
        let write: SessionWriteV1 = { written: true };
        await bench.eventually('a write that is told to be broken', async () => {
          write = await bench.within('the write to settle', worker.prompt('prompt-1', prompt));
          return !write.written;
        });
        assertBroken(write);
        await bench.within('stop', worker.stop({ graceMs: 1_000 }));
        await bench.within('exited', worker.exited);
      }),
  },
  {
    title: 'interactive: stop ends the worker, also when it is called twice and again after the end',
    run: (bench) =>
      withWorker(bench, 'answers', async ({ worker }) => {
        const stops = await bench.within(
          'two stops',
          Promise.all([worker.stop({ graceMs: 1_000 }), worker.stop({ graceMs: 1_000 })]),
        );
        for (const { stopped } of stops) assert.ok(['already_gone', 'graceful', 'forced'].includes(stopped));
        const exit = await bench.within('exited', worker.exited);
        assert.equal(exit.reason, 'stop');
        assert.deepEqual(await bench.within('a stop after the end', worker.stop({ graceMs: 1_000 })), {
          stopped: 'already_gone',
        });
      }),
  },
  {
    title: 'interactive: a worker that cannot be started is a start_failed, and nothing stays alive',
    async run(bench) {
      const { interactive } = bench.adapter;
      assert.ok(interactive);
      const { context } = createRecordingSession({ config: await parsed(bench, bench.options.scripts.failToStart) });
      await assert.rejects(bench.within('open to reject', interactive.open(context)), (error) => {
        assert.ok(isAdapterError(error), `open rejected with ${String(error)}, which is no AdapterError.`);
        assert.equal(error.code, 'start_failed');
        return true;
      });
    },
  },
];

/** Workers that survive their host: what `interactive.reattach` promises. */
export const survivingSessionGroup: readonly ConformanceTest[] = [
  {
    title: 'interactive: a worker whose host shuts down lives on, is taken over, and its prompt in flight settles once',
    async run(bench) {
      const { interactive } = bench.adapter;
      const scripts = bench.options.scripts.interactive;
      assert.ok(
        interactive?.reattach && scripts,
        'The adapter declares `interactive.reattach`: the kit needs scripts.interactive.',
      );
      const config = await parsed(bench, scripts.worksUntilCancelled);
      const before = createRecordingSession({ config });
      const first = await bench.within('open', interactive.open(before.context));
      const after = createRecordingSession({ config, sessionId: before.context.sessionId });
      let worker = first;
      try {
        await bench.within('the prompt to be written', first.prompt('prompt-1', scripts.prompt));
        before.abort({ kind: 'host_shutdown' });
        assert.ok(before.handle, 'A worker that survives its host must announce itself by onSpawn.');
        const handle = JSON.parse(JSON.stringify(before.handle)) as RunHandleV1;
        const taken = await bench.within(
          'reattach',
          interactive.reattach({
            ...after.context,
            handle,
            afterCursor: before.lastCursor,
            promptsInFlight: ['prompt-1'],
            requestsOpen: [],
          }),
        );
        assert.ok(taken, 'reattach found no worker although it runs.');
        worker = taken;
        assert.deepEqual(await bench.within('the cancel to be written', worker.cancel('prompt-1')), { written: true });
        await after.waitUntil('the settlement of prompt-1', () => after.settlements('prompt-1').length > 0, bench.limitMs);
        assert.deepEqual([before.settlements('prompt-1').length, after.settlements('prompt-1').length], [0, 1]);
      } finally {
        await worker.stop({ graceMs: 200 });
      }
      await bench.within('exited', worker.exited);
    },
  },
];

interface Conversation {
  readonly worker: SessionWorkerV1;
  readonly session: RecordingSession;
  readonly prompt: InteractiveScripts['prompt'];
}

async function withWorker(
  bench: Bench,
  script: Exclude<keyof InteractiveScripts, 'prompt'>,
  run: (conversation: Conversation) => Promise<void>,
): Promise<void> {
  const { interactive } = bench.adapter;
  const scripts = bench.options.scripts.interactive;
  assert.ok(interactive && scripts, 'The adapter declares `interactive`: the kit needs scripts.interactive.');
  const session = createRecordingSession({ config: await parsed(bench, scripts[script]) });
  const worker = await bench.within('open', interactive.open(session.context));
  try {
    await run({ worker, session, prompt: scripts.prompt });
  } finally {
    await worker.stop({ graceMs: 200 });
  }
}

async function parsed(bench: Bench, rawConfig: unknown): Promise<unknown> {
  const result = await parseAdapterConfig(bench.adapter, rawConfig);
  assert.ok(result.ok, `configSchema refuses a config of scripts.interactive: ${result.ok ? '' : JSON.stringify(result.issues)}`);
  return result.value;
}

function assertBroken(write: SessionWriteV1): void {
  assert.equal(write.written, false, 'A write to a worker that does not read was told to be written.');
  if (!write.written) assert.ok(write.message.length > 0 && ['stdin_broken', 'write_timeout'].includes(write.reason));
}
