import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyRule } from './access.js';
import { type AdmissionSettings, createAdmissionSettings } from './admission.js';
import type { Job, Pod } from './api-objects.js';
import { createApiServer, type InjectedAnswer } from './api-server.js';
import { createCertificates } from './certificates.js';
import type { Cluster, ImageBehaviour } from './cluster.js';
import { createGarbageCollector } from './deletion.js';
import { disrupt, evict } from './eviction.js';
import { createFaultProxy, type FaultProxy } from './fault-proxy.js';
import { createJobController } from './job-controller.js';
import { createKubelet, type Kubelet } from './kubelet.js';
import type { LogFaults } from './log-handler.js';
import { createNodeClock, type NodeClock } from './node-clock.js';
import { createObjectStore, type ObjectStore } from './object-store.js';
import { type Pace, QUICK_PACE } from './pace.js';
import { createWatchRegistry, type WatchRegistry } from './watch-handler.js';

export type { PolicyRule } from './access.js';
export type { Job, KubeEvent, Pod, Secret } from './api-objects.js';
export { createCertificates } from './certificates.js';
export { type ConnectionFault, createFaultProxy, type FaultSchedule, NO_FAULTS, seededFaults } from './fault-proxy.js';
export { type Pace, QUICK_PACE, REAL_PACE } from './pace.js';
export { createSeededRandom, type SeededRandom } from './seeded-random.js';

export interface SimulatorOptions {
  readonly namespace?: string;
  readonly pace?: Partial<Pace>;
  /** Images beside `node:20` and `busybox:1.36`; an unknown one cannot be pulled. */
  readonly images?: Readonly<Record<string, ImageBehaviour>>;
  /** Bytes after which a container's log rotates; 10 MiB on a real kubelet. */
  readonly logRotateBytes?: number;
  /** How often sizes are looked at; 10 s on a real kubelet. 0 = at each entry. */
  readonly logRotateCheckMs?: number;
  /** Rights of the token in the kubeconfig; absent = everything in the namespace. */
  readonly rules?: readonly PolicyRule[];
  readonly userName?: string;
}

/** A Kubernetes API server with one node, for tests: real HTTPS, real processes, faults on demand. */
export interface Simulator {
  readonly namespace: string;
  /** Path of a kubeconfig with the limited token. */
  readonly kubeconfigPath: string;
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  /** A token that may do everything everywhere. */
  readonly adminToken: string;
  readonly store: ObjectStore;
  readonly kubelet: Kubelet;
  readonly clock: NodeClock;
  readonly admission: AdmissionSettings;
  readonly network: FaultProxy;
  readonly watches: WatchRegistry;
  readonly logFaults: LogFaults;
  readonly answers: InjectedAnswer[];
  readonly requests: { method: string; url: string }[];
  readonly cluster: Cluster;
  /** Answers matching requests with a status instead of doing them. */
  injectAnswer(answer: Omit<InjectedAnswer, 'times'> & { times?: number }): InjectedAnswer;
  setRules(rules: readonly PolicyRule[] | null): void;
  /** Makes the old token worthless and writes a new one into the kubeconfig. */
  rotateToken(options?: { writeKubeconfig?: boolean }): void;
  /** What a restart of the API server does: streams end without their last chunk, every older revision is too old. */
  restartApiServer(): void;
  jobs(): Job[];
  pods(): Pod[];
  evict(pod: Pod): void;
  disrupt(pod: Pod, cause: { reason: string; message: string }): void;
  close(): Promise<void>;
}

export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const namespace = options.namespace ?? 'agents';
  const folder = mkdtempSync(join(tmpdir(), 'runbeat-k8s-'));
  const certificates = createCertificates();
  const clock = createNodeClock();
  const store = createObjectStore(() => Date.now());
  const timers = new Set<NodeJS.Timeout>();
  const state = { isClosed: false };
  const later = (ms: number, task: () => void): void => {
    if (state.isClosed) return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (!state.isClosed) task();
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    timers.add(timer);
  };
  const cluster: Cluster = {
    store,
    clock,
    pace: { ...QUICK_PACE, ...options.pace },
    images: new Map<string, ImageBehaviour>([
      ['node:20', { kind: 'present' }],
      ['busybox:1.36', { kind: 'present' }],
      ...Object.entries(options.images ?? {}),
    ]),
    node: { labels: { 'kubernetes.io/os': 'linux' }, cpu: 64, memoryBytes: 256 * 2 ** 30 },
    logRotateBytes: options.logRotateBytes ?? 10 * 2 ** 20,
    logRotateCheckMs: options.logRotateCheckMs ?? 10_000,
    later,
    delay: (ms) => new Promise((resolve) => later(ms, resolve)),
    get isClosed() {
      return state.isClosed;
    },
  };
  const admission = createAdmissionSettings();
  const kubelet = createKubelet(cluster);
  const jobController = createJobController(cluster, admission);
  const garbageCollector = createGarbageCollector(cluster);
  const watches = createWatchRegistry();
  const logFaults: LogFaults = { inBandError: null, followLimitMs: 4 * 3_600_000, frozenWaitMs: 100 };
  const server = await createApiServer(cluster, kubelet, { certificates, watches, logFaults });
  const network = await createFaultProxy(server.port);
  const url = `https://127.0.0.1:${network.port}`;
  const kubeconfigPath = join(folder, 'kubeconfig');
  const everything: PolicyRule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  const user = {
    name: options.userName ?? `system:serviceaccount:${namespace}:runbeat`,
    namespace,
    rules: options.rules ?? everything,
  };
  const adminToken = 'admin-token';
  let tokenCount = 1;
  let token = `token-${tokenCount}`;
  server.users.set(token, user);
  server.users.set(adminToken, { name: 'admin', namespace, rules: null });
  writeFileSync(kubeconfigPath, kubeconfig({ url, ca: certificates.ca, token, namespace }));

  return {
    namespace,
    kubeconfigPath,
    url,
    ca: certificates.ca,
    get token() {
      return token;
    },
    adminToken,
    store,
    kubelet,
    clock,
    admission,
    network,
    watches,
    logFaults,
    answers: server.answers,
    requests: server.requests,
    cluster,
    injectAnswer(answer) {
      const injected: InjectedAnswer = { times: 1, ...answer };
      server.answers.push(injected);
      return injected;
    },
    setRules(rules) {
      server.users.set(token, { ...user, rules });
    },
    rotateToken({ writeKubeconfig = true } = {}) {
      server.users.delete(token);
      tokenCount += 1;
      token = `token-${tokenCount}`;
      server.users.set(token, user);
      if (writeKubeconfig) writeFileSync(kubeconfigPath, kubeconfig({ url, ca: certificates.ca, token, namespace }));
    },
    restartApiServer() {
      network.breakAll('fin');
      store.compact({ forWatchesOnly: true });
    },
    jobs: () => store.list('jobs', namespace),
    pods: () => store.list('pods', namespace),
    evict: (pod) => {
      evict(cluster, pod.metadata.namespace, pod.metadata.name);
    },
    disrupt: (pod, cause) => disrupt(cluster, pod.metadata.namespace, pod.metadata.name, cause),
    async close() {
      state.isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      jobController.destroy();
      garbageCollector.destroy();
      kubelet.destroy();
      await network.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function kubeconfig(facts: { url: string; ca: string; token: string; namespace: string }): string {
  const ca = Buffer.from(facts.ca).toString('base64');
  return `apiVersion: v1
kind: Config
current-context: simulator
clusters:
- name: simulator
  cluster: { server: "${facts.url}", certificate-authority-data: ${ca} }
users:
- name: runbeat
  user: { token: ${facts.token} }
contexts:
- name: simulator
  context: { cluster: simulator, user: runbeat, namespace: ${facts.namespace} }
`;
}
