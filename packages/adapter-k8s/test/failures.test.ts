import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSimulator, type Pod, type Simulator } from '../simulator/index.js';
import { createKubernetesAdapter } from '../src/index.js';
import { configFor, quickTimings, type RecordedRun, recordRun } from './support/recording-run.js';

// What only a cluster with the rights of an administrator can be made to do. The rest of the catalogue is in e2e/kubernetes.
let simulator: Simulator;
const adapter = createKubernetesAdapter({ timings: quickTimings, onNotice: () => {} });

beforeAll(async () => {
  simulator = await createSimulator({
    images: { 'slow:1': { kind: 'slow', ms: 600_000 }, 'nonroot:1': { kind: 'present', isNonRoot: true } },
  });
});
beforeEach(() => {
  Object.assign(simulator.admission, { podQuota: null, podSecurity: 'restricted', webhookRefusal: null });
  simulator.setRules(null);
});
afterAll(() => simulator.close());

const working = (onTerm = 'process.exit(143)'): string[] => [
  'node',
  '-e',
  `process.on("SIGTERM",()=>{${onTerm}});console.log("up");setInterval(()=>{},1e3)`,
];

function podOf(run: RecordedRun): Pod {
  const pod = simulator.pods().find((each) => each.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId);
  if (!pod) throw new Error('The run has no Pod');
  return pod;
}

async function startWorking(overrides: Record<string, unknown> = {}): Promise<{ run: RecordedRun; done: Promise<unknown> }> {
  const run = recordRun(configFor(simulator.kubeconfigPath, { command: working(), ...overrides }));
  const done = adapter.execute(run.context);
  await run.until(() => run.text().includes('up'));
  return { run, done };
}

describe('the cluster refuses or ends a run', () => {
  test('a quota that stays full fails the run, one that is raised lets it run', async () => {
    simulator.admission.podQuota = 0;
    const config = configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] });
    const [refused, late] = [recordRun(config), recordRun(config)];
    const first = await adapter.execute(refused.context);
    expect(first).toMatchObject({ status: 'failed', error: { code: 'k8s.quota_exceeded', retryable: true } });
    const second = adapter.execute(late.context);
    await late.until(() => late.events.some((event) => event.type === 'k8s.waiting'));
    simulator.admission.podQuota = null;
    expect(await second).toEqual({ status: 'succeeded' });
    expect(simulator.pods().filter((pod) => pod.metadata.labels?.['runbeat.dev/run-id'] === refused.context.runId)).toEqual([]);
  });

  test('a webhook that refuses the Pod is quoted', async () => {
    simulator.admission.webhookRefusal = 'images must be signed';
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }));
    const result = await adapter.execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.pod_create_rejected' } });
    expect(JSON.stringify(result)).toContain('images must be signed');
  });

  test('Pod Security refuses a patched Pod; what the adapter makes by itself passes', async () => {
    const podTemplatePatch = { spec: { hostNetwork: true } };
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'], podTemplatePatch }));
    const result = await adapter.execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'k8s.pod_create_rejected' } });
    expect(JSON.stringify(result)).toContain('violates PodSecurity');
  });

  test.each([
    ['EvictionByEvictionAPI', 'evicted'],
    ['PreemptionByScheduler', 'k8s.preempted'],
    ['DeletionByTaintManager', 'k8s.node_drained'],
    ['DeletionByPodGC', 'node_lost'],
  ])('a disruption by %s is %s', async (reason, code) => {
    const { run, done } = await startWorking();
    simulator.disrupt(podOf(run), { reason, message: `Because of ${reason}` });
    expect(await done).toMatchObject({ status: 'failed', error: { code, retryable: true, exitCode: 143 } });
  });

  test('an eviction by the kubelet keeps the log and its words', async () => {
    const { run, done } = await startWorking();
    simulator.kubelet.stopPod(podOf(run), {
      cause: 'evicted',
      graceMs: 500,
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". ',
    });
    const result = await done;
    expect(result).toMatchObject({ status: 'failed', error: { code: 'evicted', retryable: true } });
    expect(JSON.stringify(result)).toContain('exceeds the limit');
  });

  test('a node that is shut down is told from an eviction', async () => {
    const { run, done } = await startWorking();
    simulator.kubelet.stopPod(podOf(run), {
      cause: 'shutdown',
      graceMs: 500,
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
    });
    expect(await done).toMatchObject({ status: 'failed', error: { code: 'k8s.node_shutdown', retryable: true } });
  });

  test('a child that is killed for its memory is oom_killed, also when the work exits 0', async () => {
    const { run, done } = await startWorking({ command: working('process.exit(0)') });
    const worker = simulator.kubelet.worker(podOf(run).metadata.uid);
    worker?.process('work')?.oomKill({ kills: false });
    worker?.process('work')?.terminate();
    expect(await done).toMatchObject({ status: 'failed', error: { code: 'oom_killed', exitCode: 0 } });
  });

  test('a node that answers again in time costs nothing, one that does not is node_lost', async () => {
    const { run, done } = await startWorking({ command: working('console.log("back");process.exit(0)') });
    simulator.kubelet.freeze();
    simulator.kubelet.markNodeNotReady();
    await run.until(() => run.events.some((event) => event.message.includes('does not answer the cluster')));
    simulator.kubelet.thaw();
    simulator.cluster.store.update('pods', simulator.namespace, podOf(run).metadata.name, (draft) => {
      for (const condition of draft.status.conditions ?? []) if (condition.type === 'Ready') condition.status = 'True';
    });
    run.controller.abort({ kind: 'cancelled' });
    expect(await done).toMatchObject({ status: 'cancelled' });

    const lost = await startWorking();
    simulator.kubelet.freeze();
    simulator.kubelet.markNodeNotReady();
    expect(await lost.done).toMatchObject({ status: 'failed', error: { code: 'node_lost', retryable: true } });
    simulator.kubelet.thaw();
  });

  test('a missing right to create Jobs prints the rule', async () => {
    simulator.setRules([{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch'] }]);
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }));
    const result = await adapter.execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'rbac_denied' } });
    expect(JSON.stringify(result)).toContain('verbs: [\\"create\\"]');
    expect(run.handles).toEqual([]);
  });

  test('a missing right to create Secrets leaves no Job behind', async () => {
    simulator.setRules([{ apiGroups: ['batch', ''], resources: ['jobs', 'pods', 'pods/log'], verbs: ['*'] }]);
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }));
    expect(await adapter.execute(run.context)).toMatchObject({ status: 'failed', error: { code: 'rbac_denied' } });
    expect(simulator.jobs().filter((job) => job.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId)).toEqual([]);
  });

  test('without the right to list Events a run works, and the degraded feature is told', async () => {
    simulator.setRules([{ apiGroups: ['batch', ''], resources: ['jobs', 'pods', 'pods/log', 'secrets'], verbs: ['*'] }]);
    simulator.admission.podQuota = 0;
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }));
    const done = adapter.execute(run.context);
    await run.until(() => run.events.some((event) => event.type === 'k8s.events_forbidden'));
    simulator.admission.podQuota = null;
    expect(await done).toEqual({ status: 'succeeded' });
  });

  test('a second Pod of a Job never works beside the first', async () => {
    const { run, done } = await startWorking();
    const first = podOf(run);
    const { name, uid, resourceVersion, creationTimestamp, deletionTimestamp, ...metadata } = structuredClone(first.metadata);
    void [name, uid, resourceVersion, creationTimestamp, deletionTimestamp];
    simulator.store.create('pods', {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { ...metadata, name: `${first.metadata.name}-2`, namespace: simulator.namespace },
      spec: { ...first.spec, nodeName: undefined as never },
      status: { phase: 'Pending' },
    });
    await run.until(() => run.events.some((event) => event.type === 'k8s.extra_pod_deleted'));
    run.controller.abort({ kind: 'cancelled' });
    expect(await done).toMatchObject({ status: 'cancelled' });
  });
});
