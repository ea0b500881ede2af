import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig, loadYaml } from '@kubernetes/client-node';
import { createKubernetesAdapter, type K8sConfig, type KubernetesAdapterOptions, k8sConfig } from '@runbeat/adapter-k8s';
import type { AdapterV1, ExecuteContextV1, ReattachContextV1, RunEventV1, RunHandleV1 } from '@runbeat/adapter-sdk';
import { createSimulator, type PolicyRule, REAL_PACE, type Simulator } from '../../packages/adapter-k8s/simulator/index.js';
import { createKubectl, type Kubectl } from './kubectl.js';

/**
 * The cluster that the suite runs on: the real one that `KUBECONFIG` names, or else the simulator. The cases are the
 * same; those that a real cluster cannot be made to show ask for `simulator` and are skipped by name without it.
 */
export interface TestCluster {
  readonly isReal: boolean;
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly image: string;
  readonly simulator: Simulator | null;
  /** What a person would do with kubectl, with the rights of the documented Role. */
  readonly kubectl: Kubectl;
  /** Tells the suite's Jobs from everybody else's. */
  readonly instance: string;
  adapter(options?: KubernetesAdapterOptions): AdapterV1;
  config(overrides?: Record<string, unknown>): K8sConfig;
  close(): Promise<void>;
}

export const isRealCluster = Boolean(process.env['KUBECONFIG']);

/** The rules of the documented manifest: what is in the docs is what is enforced here. */
export function documentedRules(): PolicyRule[] {
  const file = fileURLToPath(new URL('../../deploy/kubernetes/role.yaml', import.meta.url));
  return loadYaml<{ rules: PolicyRule[] }>(readFileSync(file, 'utf8')).rules;
}

export async function openCluster(): Promise<TestCluster> {
  // Of several files, as kubectl takes them, the first.
  const real = process.env['KUBECONFIG']?.split(delimiter)[0];
  const simulator = real
    ? null
    : await createSimulator({
        rules: documentedRules(),
        // Near enough to a real node's pace that nothing here depends on a quick one.
        pace: { containerStart: REAL_PACE.containerStart / 8, phaseAfterTerminated: 250, jobSync: 100 },
      });
  const kubeconfig = real ?? simulator?.kubeconfigPath ?? '';
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const contextNamespace = config.getContextObject(config.getCurrentContext())?.namespace;
  const namespace = process.env['RUNBEAT_E2E_NAMESPACE'] ?? contextNamespace ?? 'runbeat-runs';
  const image = process.env['RUNBEAT_E2E_IMAGE'] ?? 'node:20';
  const instance = `e2e-${process.pid}-${Date.now().toString(36)}`;
  const kubectl = await createKubectl(config, namespace, instance);
  return {
    isReal: real !== undefined && real !== '',
    kubeconfig,
    namespace,
    image,
    simulator,
    kubectl,
    instance,
    adapter: (options = {}) => createKubernetesAdapter({ instance, onNotice: () => {}, ...options }),
    config: (overrides = {}) =>
      k8sConfig.parse({
        image,
        imagePullPolicy: 'IfNotPresent',
        kubeconfig,
        namespace,
        gracePeriodSeconds: 5,
        resources: { requests: { cpu: '20m', memory: '160Mi' } },
        ...overrides,
      }),
    async close() {
      await kubectl.deleteEverything();
      await simulator?.close();
    },
  };
}

/** What a run told, as a host would have stored it. */
export interface Run {
  readonly context: ExecuteContextV1<K8sConfig>;
  readonly handles: RunHandleV1[];
  readonly events: RunEventV1[];
  text(stream?: string): string;
  lastCursor(): string | null;
  until(test: () => boolean, limitMs?: number): Promise<void>;
  cancel(): void;
  abort(reason: object): void;
  jobName(): string;
  takeOver(text: { from: string | null }): ReattachContextV1<K8sConfig> & { readonly log: Run };
}

let count = 0;

export function createRun(config: K8sConfig, options: { runId?: string; prompt?: string } = {}): Run {
  count += 1;
  const runId = options.runId ?? `e2e-${process.pid}-${Date.now().toString(36)}-${count}`;
  const controller = new AbortController();
  const records: { stream: string; text: string; cursor: string | undefined }[] = [];
  const handles: RunHandleV1[] = [];
  const events: RunEventV1[] = [];
  const sinks = {
    async onLog(stream: 'stdout' | 'stderr' | 'system', text: string, mark: { cursor?: string } = {}) {
      records.push({ stream, text, cursor: mark.cursor });
    },
    async onAlive() {},
    async onEvent(event: RunEventV1) {
      events.push(event);
    },
  };
  const shared = {
    runId,
    attempt: 1,
    config,
    agent: { id: 'agent-e2e', companyId: 'company-e2e', name: 'E2E', role: 'tester' },
    input: {
      prompt: options.prompt ?? 'work',
      reason: null,
      source: 'on_demand',
      payload: null,
      issue: null,
      taskKey: null,
    },
    environment: { RUNBEAT_RUN_ID: runId, RUNBEAT_RUN_TOKEN: `token-of-${runId}` },
  };
  const run: Run = {
    context: {
      ...shared,
      ...sinks,
      previousSession: null,
      signal: controller.signal,
      async onSpawn(handle) {
        handles.push(handle);
      },
    },
    handles,
    events,
    text: (stream) =>
      records
        .filter((record) => stream === undefined || record.stream === stream)
        .map((record) => record.text)
        .join(''),
    lastCursor: () => records.findLast((record) => record.cursor !== undefined)?.cursor ?? null,
    async until(test, limitMs = 60_000) {
      const limitAt = Date.now() + limitMs;
      while (!test()) {
        if (Date.now() > limitAt) {
          throw new Error(`Not within ${limitMs} ms. Events: ${JSON.stringify(events)}; log: ${run.text().slice(0, 1000)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    cancel: () => controller.abort({ kind: 'cancelled' }),
    abort: (reason) => controller.abort(reason),
    jobName: () => {
      const [handle] = handles;
      if (handle?.kind !== 'external') throw new Error('The run has no handle yet');
      return (handle.ref as { job: string }).job;
    },
    takeOver: ({ from }) => {
      const [handle] = handles;
      if (!handle) throw new Error('The run has no handle yet');
      const log = createRun(config, { runId });
      return { ...log.context, ...shared, handle, afterCursor: from, log };
    },
  };
  return run;
}

/** A program of the tests, run by the Node of the image. */
export function script(body: string): { command: string[] } {
  return { command: ['node', '-e', body] };
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'runbeat-e2e-k8s-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
