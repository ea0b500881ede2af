import { conditionOf, type Pod } from './api-objects.js';
import { type Cluster, emitEvent } from './cluster.js';
import type { CriLog } from './cri-log.js';
import { setCondition } from './pod-status.js';
import { createPodWorker, type PodWorker, type StopOrder } from './pod-worker.js';
import { quantityValue } from './quantities.js';

/**
 * The one node's kubelet and its scheduler. States: `up`; `frozen` (SIGSTOP: containers run, nothing is published, log
 * requests fail slowly); `restarted` for a moment after a restart (log requests are 404, follows have ended cleanly).
 */
export interface Kubelet {
  readonly state: 'up' | 'frozen' | 'just-restarted';
  worker(podUid: string): PodWorker | undefined;
  /** Follows end as cleanly as at a container's end, and logs are 404 for `notFoundMs` (test/golden/09d, 09f). */
  restart(options?: { notFoundMs?: number }): void;
  freeze(): void;
  thaw(): void;
  /** What the node controller does to the Pods of a frozen node. */
  markNodeNotReady(): void;
  stopPod(pod: Pod, order: StopOrder): void;
  /** Serves the log of a Pod that has no process: chaos tests write such logs themselves. */
  adopt(podUid: string, log: (container: string) => CriLog | undefined): void;
  forget(podUid: string): void;
  logOf(podUid: string, container: string): CriLog | undefined;
  onRestart(listener: () => void): () => void;
  destroy(): void;
}

export function createKubelet(cluster: Cluster): Kubelet {
  const { store } = cluster;
  const workers = new Map<string, PodWorker>();
  const adopted = new Map<string, (container: string) => CriLog | undefined>();
  const restartListeners = new Set<() => void>();
  let state: Kubelet['state'] = 'up';
  let thawed: Promise<void> = Promise.resolve();
  let resolveThawed: () => void = () => {};

  const unsubscribe = store.subscribe((event) => {
    if (event.resource !== 'pods') return;
    const pod = event.object as Pod;
    const worker = workers.get(pod.metadata.uid);
    if (event.type === 'DELETED') {
      worker?.podGone();
      workers.delete(pod.metadata.uid);
    } else if (worker) {
      worker.podChanged(structuredClone(pod));
    } else if (event.type === 'ADDED') {
      cluster.later(cluster.pace.schedule, () => schedule(pod.metadata.namespace, pod.metadata.name));
    } else if (pod.spec.nodeName !== undefined && pod.metadata.deletionTimestamp === undefined) {
      const context = { cluster, whenResponsive: () => thawed };
      if (pod.status.phase === 'Pending') workers.set(pod.metadata.uid, createPodWorker(structuredClone(pod), context));
    }
  });

  function schedule(namespace: string, name: string): void {
    const pod = store.get('pods', namespace, name);
    if (!pod || pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const problem = schedulingProblem(pod, cluster);
    const now = Date.now();
    if (problem === null) {
      store.update('pods', namespace, name, (draft) => {
        draft.spec.nodeName = 'node-1';
        setCondition(draft.status, 'PodScheduled', { status: 'True' }, now);
      });
      return;
    }
    if (conditionOf(pod.status.conditions, 'PodScheduled')?.message !== problem) {
      store.update('pods', namespace, name, (draft) => {
        setCondition(draft.status, 'PodScheduled', { status: 'False', reason: 'Unschedulable', message: problem }, now);
      });
      emitEvent(cluster, pod, { type: 'Warning', reason: 'FailedScheduling', message: problem, component: 'default-scheduler' });
    }
    cluster.later(cluster.pace.resync, () => schedule(namespace, name));
  }

  return {
    get state() {
      return state;
    },
    worker: (podUid) => workers.get(podUid),
    restart({ notFoundMs = 100 } = {}) {
      state = 'just-restarted';
      for (const listener of [...restartListeners]) listener();
      cluster.later(notFoundMs, () => {
        if (state === 'just-restarted') state = 'up';
      });
    },
    freeze() {
      state = 'frozen';
      thawed = new Promise((resolve) => {
        resolveThawed = resolve;
      });
    },
    thaw() {
      state = 'up';
      resolveThawed();
    },
    markNodeNotReady() {
      for (const pod of store.list('pods', null)) {
        if (pod.spec.nodeName === undefined || pod.status.phase !== 'Running') continue;
        store.update('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
          setCondition(draft.status, 'Ready', { status: 'False' }, Date.now());
        });
      }
    },
    stopPod(pod, order) {
      workers.get(pod.metadata.uid)?.stop(order);
    },
    adopt: (podUid, log) => {
      adopted.set(podUid, log);
    },
    forget: (podUid) => {
      adopted.delete(podUid);
    },
    logOf: (podUid, container) => adopted.get(podUid)?.(container) ?? workers.get(podUid)?.log(container),
    onRestart(listener) {
      restartListeners.add(listener);
      return () => restartListeners.delete(listener);
    },
    destroy() {
      unsubscribe();
      resolveThawed();
      for (const worker of workers.values()) worker.destroy();
      workers.clear();
    },
  };
}

/** The scheduler's message (test/golden/06e), or null when the node fits. */
function schedulingProblem(pod: Pod, cluster: Cluster): string | null {
  const { labels, cpu, memoryBytes } = cluster.node;
  const tail = 'no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labels[key] !== value) {
      return `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${tail}`;
    }
  }
  const sum = (resource: 'cpu' | 'memory'): number =>
    pod.spec.containers.reduce((total, each) => total + (quantityValue(each.resources?.requests?.[resource] ?? '0') ?? 0), 0);
  if (sum('cpu') > cpu) return `0/1 nodes are available: 1 Insufficient cpu. ${tail}`;
  if (sum('memory') > memoryBytes) return `0/1 nodes are available: 1 Insufficient memory. ${tail}`;
  return null;
}
