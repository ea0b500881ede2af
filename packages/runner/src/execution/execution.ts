import {
  type AdapterV1,
  type ExecuteContextV1,
  failureFromError,
  type Json,
  type LivenessV1,
  parseAdapterConfig,
  type RunResultV1,
} from '@runbeat/adapter-sdk';
import type { RunnerLogLine } from '@runbeat/protocol';
import { endProcessGroup } from './end-process-group.js';
import type { ExecutionOptions } from './execution-options.js';
import { abortedResult, adapterMissing, configInvalid, lostResult } from './execution-results.js';
import { planResume } from './plan-resume.js';
import { waitOrAbort } from './wait-or-abort.js';

const PROBE_TIMEOUT_MS = 15_000;
/** Work that never began waits this many looks for an adapter that is still being loaded after a restart of the runner. */
const MISSING_LIMIT = 12;

/** Runs a job to its end: starts it, or takes it up where an earlier process of this runner left it. Never rejects. */
export async function runExecution(options: ExecutionOptions): Promise<RunResultV1> {
  try {
    return await resume(options);
  } catch (error) {
    return { status: 'failed', error: failureFromError(error) };
  }
}

async function resume(options: ExecutionOptions): Promise<RunResultV1> {
  let probe: LivenessV1['state'] | null = null;
  let goneCount = 0;
  let missingCount = 0;
  for (;;) {
    const adapter = options.findAdapter();
    const liveness = adapter === null ? null : adapter.hasOutOfProcessLiveness ? adapter.outOfProcess.kind : 'attached';
    const plan = planResume({ starts: options.starts, handle: options.handle, liveness, probe, goneCount });
    if (adapter === null || plan === 'adapter-missing') {
      missingCount += 1;
      if (options.starts === 0 && missingCount > MISSING_LIMIT) return adapterMissing(options.spec.adapterType);
      if (await waitOrAbort(options)) return abortedResult(options.signal, adapterMissing(options.spec.adapterType));
      continue;
    }
    const config = await parseAdapterConfig(adapter, options.spec.config);
    if (!config.ok) return configInvalid(options.spec, config.issues);
    const call = { ...options, adapter, config: config.value };
    switch (plan) {
      case 'execute':
      case 'terminate-and-execute':
        if (plan === 'terminate-and-execute') await terminate(call);
        await options.markStarted();
        return adapter.execute(contextFor(call));
      case 'reattach':
        return reattach(call);
      case 'terminate-and-lose':
        await terminate(call);
        return lostResult('The runner was restarted, and the adapter cannot take its work up again.');
      case 'lose':
        return lostResult('The runner was restarted, and the work is gone.');
      case 'wait':
        if (await waitOrAbort(options)) {
          await terminate(call);
          return abortedResult(options.signal, lostResult('The state of the work could not be found out.'));
        }
        probe = null;
        break;
      case 'probe': {
        const answer = await probeOnce(call);
        probe = answer;
        goneCount = answer === 'gone' ? goneCount + 1 : 0;
        break;
      }
    }
  }
}

interface AdapterCall extends ExecutionOptions {
  readonly adapter: AdapterV1;
  readonly config: unknown;
}

async function probeOnce(call: AdapterCall): Promise<LivenessV1['state']> {
  const { adapter, spec, handle, config } = call;
  if (!adapter.hasOutOfProcessLiveness || adapter.outOfProcess.kind !== 'handle' || handle === null) return 'gone';
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    return (await adapter.outOfProcess.probe({ runId: spec.runId, handle, config, signal })).state;
  } catch {
    // "Could not find out" is never "gone".
    return 'unknown';
  }
}

async function reattach(call: AdapterCall): Promise<RunResultV1> {
  const { adapter, spec, handle } = call;
  if (!adapter.hasOutOfProcessLiveness || adapter.outOfProcess.kind !== 'handle' || handle === null) {
    return lostResult('The adapter cannot take its work up again.');
  }
  const { previousSession: _unused, onSpawn: _once, ...sinks } = contextFor(call);
  return adapter.outOfProcess.reattach({ ...sinks, handle, attempt: spec.attempt, afterCursor: call.lastCursor() });
}

async function terminate(call: AdapterCall): Promise<void> {
  const { adapter, spec, handle, config, graceMs } = call;
  if (adapter.hasOutOfProcessLiveness) {
    const signal = AbortSignal.timeout(graceMs + PROBE_TIMEOUT_MS);
    await adapter.outOfProcess.terminate({ runId: spec.runId, handle, config, reason: 'lost', signal });
  } else if (handle?.kind === 'process') await endProcessGroup(handle, spec.runId, graceMs);
}

function contextFor(call: AdapterCall): ExecuteContextV1 {
  const { spec, config, clock } = call;
  const line = (type: 'log', rest: Omit<Extract<RunnerLogLine, { k: 'log' }>, 'k'>): RunnerLogLine => ({ k: type, ...rest });
  return {
    runId: spec.runId,
    attempt: spec.attempt,
    config,
    agent: spec.agent,
    input: spec.input as ExecuteContextV1['input'],
    previousSession: spec.previousSession as Json,
    environment: spec.environment,
    signal: call.signal,
    onSpawn: (handle) => call.storeHandle(handle),
    async onLog(stream, text, mark) {
      call.alive();
      const at = mark?.at ?? clock.now().toISOString();
      await call.append(line('log', { s: stream, t: text, at, ...(mark?.cursor === undefined ? {} : { c: mark.cursor }) }));
    },
    async onAlive() {
      call.alive();
    },
    async onEvent(event) {
      const { type, level, message, data } = event;
      const at = clock.now().toISOString();
      await call.append({ k: 'event', at, type, level, message, ...(data === undefined ? {} : { data }) });
    },
  };
}
