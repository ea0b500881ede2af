import {
  type AbortReasonV1,
  type AdapterV1,
  defineAdapter,
  type ExecuteContextV1,
  type LivenessV1,
  type OutOfProcessV1,
  type ReattachContextV1,
  type RunHandleV1,
  type RunResultV1,
  type RunSinksV1,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import { scriptedConfigSchema } from './scripted-config-schema.js';
import type { ScriptedConfig } from './scripted-step.js';
import type { ScriptedWorkload, WorkloadControl } from './scripted-workload.js';
import { createScriptedWorld, playSteps, type ScriptedWorld, type ScriptedWorldControl } from './scripted-world.js';

export interface ScriptedAdapterOptions {
  /** What the adapter declares. Default `handle`. */
  readonly kind?: 'attached' | 'handle' | 'log-driven';
  /** Default `scripted`. */
  readonly type?: string;
  /** Where its work lives; absent = a world of its own. */
  readonly world?: ScriptedWorld;
  /** Time between asking and forcing. Default 20 ms. */
  readonly graceMs?: number;
  readonly maxConcurrentRuns?: number;
  /**
   * What `onSpawn` is given; null = it is not called. Default: an `external` handle that names the run, for attached
   * adapters null. Give a `process` handle to test what a host does with a real pid.
   */
  readonly handleFor?: (workload: ScriptedWorkload) => RunHandleV1 | null;
  /** Stands before everything that `execute` does, to hold it or to make it reject (an adapter's bug). */
  readonly beforeStart?: (context: ExecuteContextV1<ScriptedConfig>) => Promise<void>;
  /** Stands in for the adapter's own schema, which accepts any object. */
  readonly configSchema?: AdapterV1['configSchema'];
}

export interface ScriptedAdapter {
  readonly adapter: AdapterV1;
  readonly world: ScriptedWorld;
}

/**
 * An adapter whose work is played by a test: real in everything that the contract asks (it passes the conformance
 * suite), scripted in what the work does and in what a probe answers. Without `steps` in its config the work runs until
 * the test ends it: `(await world.workload(runId)).end({ status: 'succeeded' })`.
 */
export function createScriptedAdapter(options: ScriptedAdapterOptions = {}): ScriptedAdapter {
  const { kind = 'handle', type = 'scripted', graceMs = 20 } = options;
  const world = (options.world ?? createScriptedWorld()) as ScriptedWorldControl;
  const handleFor = options.handleFor ?? (kind === 'attached' ? () => null : externalHandle);

  const execute = async (context: ExecuteContextV1<ScriptedConfig>): Promise<RunResultV1> => {
    await options.beforeStart?.(context);
    if (context.signal.aborted) return resultOfAbort(context.signal.reason, false);
    const { failToStart } = context.config;
    if (failToStart !== undefined) {
      return { status: 'failed', error: { code: 'start_failed', message: failToStart, retryable: false } };
    }
    const workload = workloadFor(world, context);
    workload.begin('execution');
    try {
      const handle = handleFor(workload);
      if (handle) await announce(context, workload, handle);
      return await follow(workload, {
        sinks: context,
        signal: context.signal,
        from: 0,
        isAttached: kind === 'attached',
        graceMs,
      });
    } finally {
      workload.leave();
    }
  };

  const core = {
    specVersion: 'adapter-v1',
    type,
    configSchema: (options.configSchema ?? scriptedConfigSchema) as typeof scriptedConfigSchema,
    execute,
    ...(options.maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns: options.maxConcurrentRuns }),
  } as const;
  if (kind === 'attached') return { world, adapter: defineAdapter({ ...core, hasOutOfProcessLiveness: false }) };
  return {
    world,
    adapter: defineAdapter({ ...core, hasOutOfProcessLiveness: true, outOfProcess: outOfProcess(world, kind, graceMs) }),
  };
}

function outOfProcess(
  world: ScriptedWorldControl,
  kind: 'handle' | 'log-driven',
  graceMs: number,
): OutOfProcessV1<ScriptedConfig> {
  const terminate = async (context: TerminateContextV1<ScriptedConfig>): Promise<TerminationV1> =>
    (await world.find(runIdFrom(context.handle) ?? context.runId)?.stop(context.reason, graceMs)) ?? { stopped: 'already_gone' };
  if (kind === 'log-driven') return { kind, terminate };
  return {
    kind,
    terminate,
    async probe(query): Promise<LivenessV1> {
      if (query.signal.aborted)
        return { state: 'unknown', retryAfterMs: 100, message: 'The time for the probe was over before it began.' };
      return (await world.find(runIdFrom(query.handle) ?? query.runId)?.probe(query)) ?? { state: 'gone' };
    },
    async reattach(context: ReattachContextV1<ScriptedConfig>): Promise<RunResultV1> {
      const workload = world.find(runIdFrom(context.handle) ?? context.runId);
      if (!workload) return lostResult(context.runId);
      workload.begin('reattachment');
      try {
        const from = context.afterCursor === null ? 0 : Number(context.afterCursor);
        return await follow(workload, { sinks: context, signal: context.signal, from, isAttached: false, graceMs });
      } finally {
        workload.leave();
      }
    },
  };
}

interface Following {
  readonly sinks: RunSinksV1;
  readonly signal: AbortSignal;
  /** Position of the first entry to hand on; the cursor is the position behind an entry. */
  readonly from: number;
  readonly isAttached: boolean;
  readonly graceMs: number;
}

/** Hands on what the workload does until it has ended and everything was handed on, or until somebody says stop. */
async function follow(workload: WorkloadControl, { sinks, signal, from, isAttached, graceMs }: Following): Promise<RunResultV1> {
  let position = from;
  let answered: AbortReasonV1 | null = null;
  while (true) {
    if (workload.pendingCrash) throw workload.pendingCrash.error;
    if (signal.aborted && !answered) {
      answered = signal.reason as AbortReasonV1;
      workload.abortions.push(answered);
      if (answered.kind === 'fenced' || (answered.kind === 'host_shutdown' && !isAttached)) return { status: 'detached' };
      await workload.stop(answered.kind, graceMs);
    }
    const entry = workload.entries[position];
    if (entry) {
      if (entry.kind === 'log') await sinks.onLog(entry.stream, entry.text, { cursor: String(position + 1), at: entry.at });
      else if (entry.kind === 'alive') await sinks.onAlive();
      else await sinks.onEvent(entry.event);
      position += 1;
      workload.markDelivered(position);
      continue;
    }
    const { state } = workload;
    if (state.kind === 'ended') return state.result;
    if (state.kind === 'stopped') return resultOfAbort(answered, state.forced);
    if (state.kind === 'vanished') return lostResult(workload.runId);
    await workload.changed(signal);
  }
}

/** Rule 1: a refused handle means that the host could never find the work again, so it must not go on. */
async function announce(
  context: ExecuteContextV1<ScriptedConfig>,
  workload: WorkloadControl,
  handle: RunHandleV1,
): Promise<void> {
  try {
    await context.onSpawn(handle);
  } catch (error) {
    await workload.stop('handle refused', 0);
    throw error;
  }
}

/**
 * New work for each execution, unless work of this run goes on: then it is the same, counted twice in `executions`, so
 * that a test sees a host which executes one run twice.
 */
function workloadFor(world: ScriptedWorldControl, context: ExecuteContextV1<ScriptedConfig>): WorkloadControl {
  const existing = world.find(context.runId);
  if (existing?.state.kind === 'running') return existing;
  const workload = world.start(context.runId, context.config);
  void playSteps(workload);
  return workload;
}

function resultOfAbort(reason: AbortReasonV1 | null, forced: boolean): RunResultV1 {
  if (reason?.kind === 'timed_out') return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced };
  return { status: 'cancelled', forced };
}

function lostResult(runId: string): RunResultV1 {
  return { status: 'failed', error: { code: 'process_lost', message: `The work of run ${runId} is gone.`, retryable: false } };
}

function externalHandle(workload: ScriptedWorkload): RunHandleV1 {
  return { kind: 'external', formatVersion: 1, ref: { runId: workload.runId } };
}

function runIdFrom(handle: RunHandleV1 | null): string | null {
  if (handle?.kind !== 'external') return null;
  const ref = handle.ref;
  if (typeof ref !== 'object' || ref === null || !('runId' in ref)) return null;
  return typeof ref.runId === 'string' ? ref.runId : null;
}
