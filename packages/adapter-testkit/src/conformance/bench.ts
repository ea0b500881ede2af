import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AdapterError,
  type AdapterV1,
  type HandleLivenessV1,
  type LivenessV1,
  type OutOfProcessV1,
  parseAdapterConfig,
  type RunHandleV1,
  type RunResultV1,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import { createRecordingContext, type RecordingContext, type RecordingContextOptions } from '../context/recording-context.js';
import type { ConformanceOptions } from './conformance-options.js';
import { isLocalProcessAlive } from './process-alive.js';
import { type ConformanceScriptName, conformanceScriptNames } from './scripts.js';

/** A run in progress. */
export interface StartedRun {
  readonly script: ConformanceScriptName;
  readonly config: unknown;
  readonly recording: RecordingContext;
  /** What `execute` or `reattach` gives. Never unhandled: the bench watches it. */
  readonly result: Promise<RunResultV1>;
}

/** The tools of one test: an adapter of its own, runs, and the promise that nothing is left behind. */
export interface Bench {
  readonly adapter: AdapterV1;
  readonly options: ConformanceOptions;
  /** No wait in a test may be longer. */
  readonly limitMs: number;
  start(script: ConformanceScriptName, context?: Partial<Omit<RecordingContextOptions<unknown>, 'config'>>): Promise<StartedRun>;
  /** As a later host would: with a handle that was stored as JSON. */
  reattach(run: StartedRun, afterCursor: string | null): StartedRun;
  /** Waits for `ready <pid>` and gives the pid. */
  ready(run: StartedRun): Promise<number>;
  probe(run: StartedRun, signal?: AbortSignal): Promise<LivenessV1>;
  terminate(run: StartedRun): Promise<TerminationV1>;
  terminateBy(target: Pick<TerminateContextV1, 'runId' | 'handle' | 'config'>): Promise<TerminationV1>;
  /** Fails when something with this pid still runs. */
  assertGone(pid: number, what: string): Promise<void>;
  isAlive(pid: number): Promise<boolean>;
  /** Asks again and again, for what no event announces; fails after the limit. */
  eventually(what: string, isMet: () => Promise<boolean>): Promise<void>;
  /** Gives what `promise` gives, or fails when it takes longer than the limit. */
  within<Value>(what: string, promise: Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

export function createBench(options: ConformanceOptions): Bench {
  const adapter = options.createAdapter();
  const limitMs = options.limitMs ?? 30_000;
  // Below the runner's own limit, so that the failure says what was waited for, and the clean-up still runs.
  const waitLimitMs = Math.floor(limitMs * 0.8);
  const isProcessAlive = options.isProcessAlive ?? isLocalProcessAlive;
  const runs: StartedRun[] = [];
  const track = (run: StartedRun): StartedRun => {
    runs.push(run);
    run.result.catch(() => {});
    return run;
  };

  const bench: Bench = {
    adapter,
    options,
    limitMs: waitLimitMs,
    async start(script, context = {}) {
      const config = await parsedConfig(adapter, options, script);
      const recording = createRecordingContext<unknown>({ config, ...context });
      return track({ script, config, recording, result: recording.execute(adapter) });
    },
    reattach(run, afterCursor) {
      const { config, script } = run;
      const recording = createRecordingContext<unknown>({ config, runId: run.recording.runId });
      return track({
        script,
        config,
        recording,
        result: recording.reattach(adapter, { handle: storedHandle(run), afterCursor }),
      });
    },
    async ready(run) {
      const pattern = /ready (\d+)\n/;
      await run.recording.waitUntil(
        `the line 'ready <pid>' of ${run.script}`,
        () => pattern.test(run.recording.output()),
        waitLimitMs,
      );
      return Number(pattern.exec(run.recording.output())?.[1]);
    },
    async probe(run, signal = AbortSignal.timeout(waitLimitMs)) {
      const outOfProcess = handleLiveness(adapter.outOfProcess);
      return bench.within(
        'probe to answer',
        outOfProcess.probe({ runId: run.recording.runId, handle: storedHandle(run), config: run.config, signal }),
      );
    },
    terminate: (run) =>
      bench.terminateBy({
        runId: run.recording.runId,
        handle: run.recording.handle === null ? null : storedHandle(run),
        config: run.config,
      }),
    async terminateBy(target) {
      const { outOfProcess } = adapter;
      assert.ok(outOfProcess, 'Only an out-of-process adapter has terminate.');
      const context = { ...target, reason: 'cancelled', signal: AbortSignal.timeout(waitLimitMs) };
      return bench.within('terminate to settle', outOfProcess.terminate(context));
    },
    async assertGone(pid, what) {
      assert.equal(pid > 0 && (await isProcessAlive(pid)), false, `${what} (pid ${pid}) still runs.`);
    },
    isAlive: async (pid) => isProcessAlive(pid),
    async eventually(what, isMet) {
      const deadline = Date.now() + waitLimitMs;
      while (!(await isMet())) {
        if (Date.now() > deadline) assert.fail(`${waitLimitMs} ms passed without: ${what}.`);
        await delay(25);
      }
    },
    within: (what, promise) => withinLimit(what, promise, waitLimitMs),
    async close() {
      for (const run of runs) await cleanUp(bench, run);
    },
  };
  return bench;
}

async function parsedConfig(adapter: AdapterV1, options: ConformanceOptions, script: ConformanceScriptName): Promise<unknown> {
  assert.ok(
    options.scripts[script] !== undefined,
    `scripts.${script} is missing. The kit needs a config for each of: ${conformanceScriptNames.join(', ')}.`,
  );
  const parsed = await parseAdapterConfig(adapter, options.scripts[script]);
  const issues = parsed.ok ? '' : parsed.issues.map(({ path, message }) => `${path || '(config)'}: ${message}`).join('; ');
  assert.equal(issues, '', `The adapter's configSchema refuses scripts.${script}: ${issues}`);
  return parsed.ok ? parsed.value : undefined;
}

/** The handle as a restarted host has it. */
export function storedHandle(run: StartedRun): RunHandleV1 {
  assert.ok(run.recording.handle, `The adapter did not call onSpawn for ${run.script}.`);
  return JSON.parse(JSON.stringify(run.recording.handle)) as RunHandleV1;
}

function handleLiveness(outOfProcess: OutOfProcessV1 | undefined): HandleLivenessV1 {
  assert.equal(outOfProcess?.kind, 'handle');
  return outOfProcess as HandleLivenessV1;
}

/** Whatever a failed test left running must not outlive it. Errors do not matter here: the test has its verdict. */
async function cleanUp(bench: Bench, run: StartedRun): Promise<void> {
  run.recording.abort({ kind: 'cancelled', message: 'The test is over.' });
  const isOut = bench.adapter.hasOutOfProcessLiveness && run.recording.handle !== null;
  const waits: Promise<unknown>[] = [withinLimit('the run to settle', run.result, 3_000)];
  if (isOut) waits.push(bench.terminate(run));
  await Promise.allSettled(waits);
}

async function withinLimit<Value>(what: string, promise: Promise<Value>, limitMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AdapterError('condition_not_met', `Waited ${limitMs} ms for ${what}.`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
