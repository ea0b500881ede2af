import type { ExecuteContextV1, ReattachContextV1, RunEventV1, RunHandleV1 } from '@runbeat/adapter-sdk';
import { type K8sConfig, k8sConfig } from '../../src/config.js';
import { createNotifier } from '../../src/run/notifier.js';
import type { Timings } from '../../src/timings.js';

/** What a run told its host. */
export interface RecordedRun {
  readonly context: ExecuteContextV1<K8sConfig>;
  readonly controller: AbortController;
  readonly handles: RunHandleV1[];
  readonly events: RunEventV1[];
  readonly records: { stream: string; text: string; cursor: string | undefined }[];
  aliveCount: number;
  text(stream?: string): string;
  lastCursor(): string | null;
  /** Resolves when `test` holds; checked at each thing that the run tells. Rejects after `limitMs`. */
  until(test: () => boolean, limitMs?: number): Promise<void>;
  /** The context with which the run is taken over. */
  reattach(config: K8sConfig): ReattachContextV1<K8sConfig>;
}

export interface RunSettings {
  readonly runId?: string;
  readonly attempt?: number;
  readonly prompt?: string;
  readonly environment?: Record<string, string>;
  readonly onSpawn?: (handle: RunHandleV1) => Promise<void>;
  readonly onLog?: (stream: string, text: string) => Promise<void>;
}

let runCount = 0;

export function recordRun(config: K8sConfig, settings: RunSettings = {}): RecordedRun {
  runCount += 1;
  const runId = settings.runId ?? `run-${process.pid}-${runCount}`;
  const controller = new AbortController();
  const notifier = createNotifier();
  const handles: RunHandleV1[] = [];
  const events: RunEventV1[] = [];
  const records: RecordedRun['records'] = [];
  const state = { aliveCount: 0 };
  const agent = { id: 'agent-1', companyId: 'company-1', name: 'Agent', role: 'engineer' };
  const input = {
    prompt: settings.prompt ?? 'do it',
    reason: null,
    source: 'on_demand',
    payload: null,
    issue: null,
    taskKey: null,
  };
  const environment = { RUNBEAT_RUN_ID: runId, RUNBEAT_RUN_TOKEN: `secret-${runId}`, ...settings.environment };
  const sinks = {
    async onLog(stream: 'stdout' | 'stderr' | 'system', text: string, mark: { cursor?: string } = {}) {
      records.push({ stream, text, cursor: mark.cursor });
      notifier.notify();
      await settings.onLog?.(stream, text);
    },
    async onAlive() {
      state.aliveCount += 1;
      notifier.notify();
    },
    async onEvent(event: RunEventV1) {
      events.push(event);
      notifier.notify();
    },
  };
  const context: ExecuteContextV1<K8sConfig> = {
    runId,
    attempt: settings.attempt ?? 1,
    config,
    agent,
    input,
    previousSession: null,
    environment,
    signal: controller.signal,
    ...sinks,
    async onSpawn(handle) {
      await settings.onSpawn?.(handle);
      handles.push(handle);
      notifier.notify();
    },
  };
  return {
    context,
    controller,
    handles,
    events,
    records,
    get aliveCount() {
      return state.aliveCount;
    },
    text: (stream) =>
      records
        .filter((record) => stream === undefined || record.stream === stream)
        .map((record) => record.text)
        .join(''),
    lastCursor: () => records.findLast((record) => record.cursor !== undefined)?.cursor ?? null,
    async until(test, limitMs = 20_000) {
      const limitAt = Date.now() + limitMs;
      while (!test()) {
        if (Date.now() > limitAt)
          throw new Error(`Not within ${limitMs} ms. Log so far: ${JSON.stringify(records).slice(0, 2000)}`);
        await notifier.next(20);
      }
    },
    reattach: (reattachConfig) => ({
      runId,
      attempt: context.attempt,
      handle: handles[0] as RunHandleV1,
      config: reattachConfig,
      agent,
      input,
      environment,
      afterCursor: records.findLast((record) => record.cursor !== undefined)?.cursor ?? null,
      signal: new AbortController().signal,
      ...sinks,
    }),
  };
}

export function configFor(kubeconfig: string, overrides: Record<string, unknown> = {}): K8sConfig {
  return k8sConfig.parse({
    image: 'node:20',
    kubeconfig,
    gracePeriodSeconds: 2,
    resources: { requests: { cpu: '50m', memory: '512Mi' } },
    ...overrides,
  });
}

/** Waits that tests can afford; the order of all limits is that of the defaults. */
export const quickTimings: Partial<Timings> = {
  callMs: 3000,
  streamHeaderMs: 2000,
  watchIdleMs: 3000,
  plainLogIdleMs: 1500,
  framedLogIdleMs: 1500,
  backoffMinMs: 10,
  backoffMaxMs: 150,
  tickMs: 40,
  newsMs: 1000,
  aliveMs: 200,
  unschedulableMs: 400,
  imagePullMs: 400,
  imageInvalidMs: 50,
  containerConfigMs: 300,
  volumeMs: 400,
  podCreateMs: 300,
  quotaMs: 1500,
  nodeLostMs: 500,
  eventsAfterMs: 50,
  eventsEveryMs: 50,
  phaseWaitMs: 1000,
  followEndMs: 500,
  drainPauseMs: 10,
  drainLimitMs: 1500,
  stopSlackMs: 2000,
  replayMs: 5000,
  startMs: 10_000,
  searchMs: 500,
  verdictMs: 1000,
};
