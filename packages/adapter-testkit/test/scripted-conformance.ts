import { type AdapterV1, parseAdapterConfig } from '@runbeat/adapter-sdk';
import {
  type ConformanceOptions,
  type ConformanceScripts,
  createRecordingContext,
  createScriptedAdapter,
  createScriptedWorld,
  type HostKillHarness,
  type ScriptedAdapterOptions,
  type ScriptedStep,
  type ScriptedWorld,
  type StoredOutput,
  splitMultibyteText,
} from '../src/index.js';

const succeeded: ScriptedStep = { do: 'end', result: { status: 'succeeded' } };

/** The conformance scripts, played by a scripted workload. */
export const scriptedScripts: ConformanceScripts = {
  exit0: { steps: [{ do: 'ready' }, { do: 'write', stream: 'stderr', text: 'bye\n' }, succeeded] },
  exit3: {
    steps: [
      { do: 'ready' },
      { do: 'wait', ms: 100 },
      {
        do: 'end',
        result: { status: 'failed', error: { code: 'exit_nonzero', message: 'exit code 3', retryable: false, exitCode: 3 } },
      },
    ],
  },
  runForever: {
    steps: [{ do: 'ready' }, ...Array.from({ length: 20 }, () => [{ do: 'wait', ms: 50 }, { do: 'alive' }] as const).flat()],
  },
  ignoreSigterm: { steps: [{ do: 'ignoreStop' }, { do: 'ready' }] },
  write10MiB: { steps: [{ do: 'write10MiB' }, succeeded] },
  splitMultibyte: {
    steps: [...[...splitMultibyteText].map((text) => ({ do: 'write', stream: 'stdout', text }) as const), succeeded],
  },
  spawnGrandchild: { steps: [{ do: 'grandchild' }, { do: 'ready' }] },
  failToStart: { failToStart: 'no such program' },
};

/** Everything that `adapterConformance` needs for a scripted adapter; `change` may put a broken one in its place. */
export function scriptedConformance(
  options: ScriptedAdapterOptions & {
    readonly change?: (adapter: AdapterV1, world: ScriptedWorld) => AdapterV1;
    readonly limitMs?: number;
  },
): { readonly options: Omit<ConformanceOptions, 'test'>; readonly world: ScriptedWorld } {
  const world = createScriptedWorld();
  const createAdapter = (): AdapterV1 => {
    const { adapter } = createScriptedAdapter({
      ...options,
      world,
      // Attached adapters have no handle by default; with one, the rules about it are tested for them, too.
      handleFor: ({ runId }) => ({ kind: 'external', formatVersion: 1, ref: { runId } }),
    });
    return options.change?.(adapter, world) ?? adapter;
  };
  const conformance: Omit<ConformanceOptions, 'test'> = {
    createAdapter,
    scripts: scriptedScripts,
    isProcessAlive: world.isProcessAlive,
    hostKill: hostsInMemory(createAdapter, world),
    ...(options.limitMs === undefined ? {} : { limitMs: options.limitMs }),
    async makeUnreachable() {
      for (const workload of world.workloads)
        workload.answerProbes({ state: 'unknown', retryAfterMs: 10, message: 'The service is away.' });
      return async () => {
        for (const workload of world.workloads) workload.answerProbes();
      };
    },
  };
  return { options: conformance, world };
}

/** A scripted workload lives in this process, so its host is "killed" by never answering it again. */
function hostsInMemory(createAdapter: () => AdapterV1, world: ScriptedWorld): HostKillHarness {
  const never = new Promise<void>(() => {});
  const parsed = async (adapter: AdapterV1, rawConfig: unknown): Promise<unknown> => {
    const result = await parseAdapterConfig(adapter, rawConfig);
    return result.ok ? result.value : Promise.reject(new TypeError('refused config'));
  };
  const outOfProcess = (adapter: AdapterV1) => {
    if (adapter.outOfProcess?.kind !== 'handle') throw new TypeError('not a handle adapter');
    return adapter.outOfProcess;
  };
  return {
    async execute({ runId, rawConfig }) {
      const adapter = createAdapter();
      const stored: StoredOutput[] = [];
      let isKilled = false;
      const recording = createRecordingContext({
        config: await parsed(adapter, rawConfig),
        runId,
        onSpawn: () => (isKilled ? never : Promise.resolve()),
        onLog: ({ stream, text, mark }) => {
          if (isKilled) return never;
          stored.push({ stream, text, cursor: mark.cursor ?? null });
          return Promise.resolve();
        },
      });
      const running = recording.execute(adapter).catch(() => {});
      await recording.waitUntil('a handle', () => recording.handle !== null);
      const { handle } = recording;
      if (!handle) throw new TypeError('no handle');
      return {
        handle: Promise.resolve(handle),
        stored: (isEnough) =>
          Promise.race([recording.waitUntil('enough output', () => isEnough(stored)), running.then(() => {})]),
        async kill() {
          isKilled = true;
          return stored;
        },
      };
    },
    async probe({ runId, handle, rawConfig }) {
      const adapter = createAdapter();
      const config = await parsed(adapter, rawConfig);
      return outOfProcess(adapter).probe({ runId, handle, config, signal: AbortSignal.timeout(5_000) });
    },
    async reattach({ runId, handle, rawConfig, afterCursor }) {
      const adapter = createAdapter();
      const recording = createRecordingContext({ config: await parsed(adapter, rawConfig), runId });
      const result = await recording.reattach(adapter, { handle, afterCursor });
      const output = recording.calls.flatMap((call) =>
        call.kind === 'log' ? [{ stream: call.stream, text: call.text, cursor: call.mark.cursor ?? null }] : [],
      );
      return { result, output };
    },
    async terminate({ runId, handle, rawConfig }) {
      const adapter = createAdapter();
      const config = await parsed(adapter, rawConfig);
      return outOfProcess(adapter).terminate({ runId, handle, config, reason: 'lost', signal: AbortSignal.timeout(5_000) });
    },
    async close() {
      for (const workload of world.workloads) workload.end({ status: 'succeeded' });
    },
  };
}
