import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createKubernetesAdapter, k8sConfig } from '@runbeat/adapter-k8s';

/** P9: what 200 Kubernetes runs cost the API server and this process. The cluster is the simulator, in a process of its own. */
export default {
  title: 'watches, connections and memory for 200 runs on Kubernetes',
  async run({ scale }) {
    const runCount = Math.max(10, Math.round(200 * scale));
    buildSimulator();
    const cluster = await startCluster();
    try {
      return await measure(cluster, runCount);
    } finally {
      cluster.child.kill('SIGTERM');
      await once(cluster.child, 'exit');
    }
  },
};

function buildSimulator() {
  const cwd = new URL('../packages/adapter-k8s/', import.meta.url);
  const built = spawnSync('npx', ['--no-install', 'tsup', '--config', 'tsup.chaos.config.ts'], { cwd, stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The simulator could not be built: run `npm ci` first.');
}

async function startCluster() {
  const child = fork(new URL('./kubernetes/simulator-host.mjs', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [ready] = await once(child, 'message');
  const stats = async () => {
    child.send('stats');
    const [answer] = await once(child, 'message');
    return answer;
  };
  return { child, kubeconfig: ready.kubeconfig, stats };
}

async function measure(cluster, runCount) {
  const adapter = createKubernetesAdapter({ onNotice: () => {} });
  const config = k8sConfig.parse({
    image: 'busybox:1.36',
    kubeconfig: cluster.kubeconfig,
    gracePeriodSeconds: 1,
    command: ['sh', '-c', 'echo up; exec sleep 600'],
    resources: { requests: { cpu: '1m', memory: '64Mi' } },
  });
  // One run first: client-node and the watch loops are loaded, what is measured then is the cost of a run.
  const warm = await startRuns(adapter, config, 1, 'warm');
  const before = memory();
  const startedAt = Date.now();
  const runs = await startRuns(adapter, config, runCount - 1, 'run');
  const startMs = Date.now() - startedAt;
  const stats = await cluster.stats();
  const perRunKiB = (memory() - before) / (runCount - 1) / 1024;
  await Promise.all([...warm, ...runs].map((run) => run.leave()));
  const otherConnections = stats.connections - stats.watches - runCount;
  return [
    figure('P9', `watches for ${runCount} runs`, stats.watches, '', 2 * runCount, '2', stats.watches === 2),
    figure('P9', `TLS connections for calls of ${runCount} runs`, otherConnections, '', stats.calls, '1', otherConnections === 1),
    figure('P9', 'memory per followed run', perRunKiB, 'KiB', null, '≤ 250', perRunKiB <= 250),
    figure('P9', `${runCount} runs from nothing to their first line`, startMs, 'ms', null, '–', null),
  ];
}

/** The baseline of watches and connections is what one of each per run, or per call, would be. */
function figure(id, what, value, unit, baseline, goal, isMet) {
  return { id, what, value, unit, baseline, ratio: baseline === null ? null : value / baseline, goal, isMet };
}

function memory() {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Resolves when each run has printed its first line. */
async function startRuns(adapter, config, count, prefix) {
  const runs = Array.from({ length: count }, (_, index) => startRun(adapter, config, `p9-${process.pid}-${prefix}-${index}`));
  await Promise.all(runs.map((run) => run.printed));
  return runs;
}

function startRun(adapter, config, runId) {
  const controller = new AbortController();
  let hasPrinted = () => {};
  const printed = new Promise((resolve, reject) => {
    hasPrinted = resolve;
    setTimeout(() => reject(new Error(`Run ${runId} printed nothing within two minutes`)), 120_000).unref();
  });
  const done = adapter.execute({
    runId,
    attempt: 1,
    config,
    agent: { id: 'agent', companyId: 'company', name: 'P9', role: 'benchmark' },
    input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
    previousSession: null,
    environment: { RUNBEAT_RUN_ID: runId },
    signal: controller.signal,
    onSpawn: async () => {},
    onLog: async () => hasPrinted(),
    onAlive: async () => {},
    onEvent: async () => {},
  });
  const leave = async () => {
    controller.abort({ kind: 'host_shutdown' });
    await done;
  };
  return { printed, leave };
}
