import { type AdapterV1, checkAdapter, type InteractiveV1, type OutOfProcessV1 } from '@runbeat/adapter-sdk';
import { hostError } from './adapter-host-error.js';
import { type AdapterLifecycle, createAdapterLifecycle } from './adapter-lifecycle.js';
import { checkResult } from './contract/check-result.js';
import { environmentReport, liveness, runResult, termination } from './contract/result-schemas.js';
import { describeAdapter } from './load/describe-adapter.js';
import type { LoadedAdapter } from './loaded-adapter.js';
import { loadedAdapterFrom } from './loaded-adapter-from.js';

/**
 * An adapter that runs in this process: for the built-in ones, and for adapters that an embedding program wrote itself.
 * Its answers are checked like those of a worker, and its runs are counted; it shares this process's fate.
 *
 * @param options.version for lists; absent = unknown.
 * @throws `adapter_incompatible` or `adapter_invalid`, naming every member at fault.
 */
export function createInProcessAdapter(rawAdapter: AdapterV1, options: { readonly version?: string } = {}): LoadedAdapter {
  const check = checkAdapter(rawAdapter);
  if (!check.ok) {
    const isIncompatible = check.problems.some((problem) => problem.code === 'adapter_incompatible');
    const problems = check.problems.map((problem) => problem.message).join(' ');
    throw hostError(isIncompatible ? 'adapter_incompatible' : 'adapter_invalid', `This adapter cannot run here. ${problems}`);
  }
  const { adapter } = check;
  const lifecycle = createAdapterLifecycle(adapter.type, 'ready');
  return loadedAdapterFrom({
    description: describeAdapter(adapter),
    version: options.version ?? null,
    isolation: 'in-process',
    adapter: guarded(adapter, lifecycle),
    lifecycle,
    close: async () => lifecycle.moveTo('removed'),
  });
}

function guarded(adapter: AdapterV1, lifecycle: AdapterLifecycle): AdapterV1 {
  const { type, interactive } = adapter;
  const core = {
    specVersion: adapter.specVersion,
    type,
    configSchema: adapter.configSchema,
    ...(adapter.maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns: adapter.maxConcurrentRuns }),
    execute: (context) => lifecycle.run(async () => checkResult(type, 'execute', runResult, await adapter.execute(context))),
    ...(adapter.testEnvironment
      ? {
          testEnvironment: async (context) =>
            checkResult(type, 'testEnvironment', environmentReport, await adapter.testEnvironment?.(context)),
        }
      : {}),
    ...(interactive ? { interactive: countedSessions(interactive, lifecycle) } : {}),
  } satisfies Partial<AdapterV1>;
  if (!adapter.hasOutOfProcessLiveness) return { ...core, hasOutOfProcessLiveness: false };
  return { ...core, hasOutOfProcessLiveness: true, outOfProcess: guardedOutOfProcess(type, adapter.outOfProcess, lifecycle) };
}

function guardedOutOfProcess(type: string, outOfProcess: OutOfProcessV1, lifecycle: AdapterLifecycle): OutOfProcessV1 {
  const terminate: OutOfProcessV1['terminate'] = async (context) =>
    checkResult(type, 'terminate', termination, await outOfProcess.terminate(context));
  if (outOfProcess.kind === 'log-driven') return { kind: 'log-driven', terminate };
  return {
    kind: 'handle',
    terminate,
    probe: async (query) => checkResult(type, 'probe', liveness, await outOfProcess.probe(query)),
    reattach: (context) =>
      lifecycle.run(async () => checkResult(type, 'reattach', runResult, await outOfProcess.reattach(context))),
  };
}

function countedSessions(interactive: InteractiveV1, lifecycle: AdapterLifecycle): InteractiveV1 {
  const counted = async <T extends { readonly exited: Promise<unknown> } | null>(open: () => Promise<T>): Promise<T> => {
    const end = lifecycle.begin();
    try {
      const worker = await open();
      if (worker) void worker.exited.finally(end).catch(() => undefined);
      else end();
      return worker;
    } catch (error) {
      end();
      throw error;
    }
  };
  const open: InteractiveV1['open'] = (context) => counted(() => interactive.open(context));
  const { protocolFor } = interactive;
  const described = {
    protocol: interactive.protocol,
    open,
    ...(protocolFor ? { protocolFor: protocolFor.bind(interactive) } : {}),
  };
  if (!interactive.reattach) return described;
  return {
    ...described,
    reattach: (context) => counted(async () => (await interactive.reattach?.(context)) ?? null),
  };
}
