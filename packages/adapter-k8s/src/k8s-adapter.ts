import {
  type AbortReasonV1,
  type AdapterV1,
  defineAdapter,
  type ExecuteContextV1,
  failureFromError,
  isAdapterError,
  type RunResultV1,
} from '@runbeat/adapter-sdk';
import { isApiError } from './cluster/api-error.js';
import { type K8sConfig, k8sConfig } from './config.js';
import { handleFromJob, type JobHandle } from './handle.js';
import type { Installation } from './installation.js';
import { sweepOrphans } from './orphan-sweep.js';
import { probeRun, reattachRun } from './recover.js';
import { type AdapterNotice, createScopes, newOwner, type Scope, type Scopes } from './run/scope.js';
import { superviseRun } from './run/supervise-run.js';
import { startFailure, startJob } from './start.js';
import { terminateRun } from './stop.js';
import { testEnvironment } from './test-environment.js';
import { defaultTimings, type Timings } from './timings.js';

export interface KubernetesAdapterOptions {
  /** Value of the label `app.kubernetes.io/instance`, by which Jobs are found again: servers on one database share it. Default `default`. */
  readonly instance?: string;
  /**
   * With it, Jobs of this installation whose run is over or unknown are deleted ten minutes after they were made, also
   * released ones; without it only Jobs without an installation that a crash left suspended.
   */
  readonly installation?: Installation;
  /** Where to tell what concerns no single run; absent = `console.warn`. */
  readonly onNotice?: (notice: AdapterNotice) => void;
  /** Waits and limits other than the defaults; for tests. */
  readonly timings?: Partial<Timings>;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** An adapter of type `k8s`: each run is a Kubernetes Job that goes on without the server and is taken up again by the next. */
export function createKubernetesAdapter(options: KubernetesAdapterOptions = {}): AdapterV1 {
  const environment = {
    instance: options.instance ?? 'default',
    installation: options.installation ?? null,
    owner: newOwner(),
    timings: { ...defaultTimings, ...options.timings },
    now: options.now ?? Date.now,
    notify: options.onNotice ?? ((notice: AdapterNotice) => console.warn(`[runbeat k8s] ${notice.type}: ${notice.message}`)),
  };
  const ownRunIds = new Set<string>();
  let isSweeping = false;
  /** A round that takes longer than the time between two is not joined by another. */
  let isUnderWay = false;

  const scopes = createScopes(environment, () => {
    if (isSweeping) return;
    isSweeping = true;
    const timer = setInterval(() => {
      if (isUnderWay) return;
      isUnderWay = true;
      void sweepOrphans(scopes.all(), ownRunIds).finally(() => {
        isUnderWay = false;
      });
    }, environment.timings.orphanSweepMs);
    // Nobody's process stays up for a sweep.
    timer.unref();
  });

  async function owned<T>(runId: string, work: () => Promise<T>): Promise<T> {
    ownRunIds.add(runId);
    try {
      return await work();
    } finally {
      ownRunIds.delete(runId);
    }
  }

  return defineAdapter({
    specVersion: 'adapter-v1',
    type: 'k8s',
    configSchema: k8sConfig,
    hasOutOfProcessLiveness: true,
    execute: (context) => owned(context.runId, () => executeRun(scopes, context)),
    testEnvironment: (context) => testEnvironment(scopes, context),
    outOfProcess: {
      kind: 'handle',
      probe: (query) => probeRun(scopes, query),
      reattach: (context) => owned(context.runId, () => reattachRun(scopes, context)),
      terminate: (context) => terminateRun(scopes, context),
    },
  });
}

async function executeRun(scopes: Scopes, context: ExecuteContextV1<K8sConfig>): Promise<RunResultV1> {
  let scope: Scope;
  try {
    scope = await scopes.of(context.config);
  } catch (error) {
    if (!isAdapterError(error) && !isApiError(error)) throw error;
    return { status: 'failed', error: failureFromError(error) };
  }
  const started = await startJob({
    scope,
    context,
    signal: context.signal,
    announce: (handle: JobHandle) => context.onSpawn(handleFromJob(handle)),
  });
  if (started.kind === 'refused') return { status: 'failed', error: started.failure };
  const { handle } = started;
  if (handle === null) return giveUpStart(scopes, scope, context);
  return superviseRun({
    scope,
    handle,
    config: context.config,
    sinks: context,
    afterCursor: null,
    signal: context.signal,
  });
}

/** The start was cut off before a handle was known: a Job may have been made all the same, by an answer that never came. */
async function giveUpStart(scopes: Scopes, scope: Scope, context: ExecuteContextV1<K8sConfig>): Promise<RunResultV1> {
  const reason = context.signal.reason as AbortReasonV1 | undefined;
  if (reason?.kind !== 'cancelled' && reason?.kind !== 'timed_out') return { status: 'detached' };
  try {
    await terminateRun(scopes, {
      runId: context.runId,
      handle: null,
      config: context.config,
      reason: reason.kind,
      signal: AbortSignal.timeout(scope.timings.callMs * 4),
    });
  } catch (error) {
    if (isApiError(error)) return { status: 'failed', error: startFailure(error, scope) };
    if (!isAdapterError(error)) throw error;
    return { status: 'failed', error: failureFromError(error) };
  }
  return reason.kind === 'cancelled'
    ? { status: 'cancelled', forced: false }
    : { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced: false };
}
