import { notFound } from './api-status.js';
import type { Cluster } from './cluster.js';
import { deletePod } from './deletion.js';
import { setCondition } from './pod-status.js';

/** The eviction API: DisruptionTarget in an event of its own, then the deletion (test/golden/04b). */
export function evict(cluster: Cluster, namespace: string, name: string): object {
  disrupt(cluster, namespace, name, { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' });
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** Marks a Pod as a target of a disruption and deletes it; who does so is told by `reason`. */
export function disrupt(cluster: Cluster, namespace: string, name: string, cause: { reason: string; message: string }): void {
  const pod = cluster.store.update('pods', namespace, name, (draft) => {
    setCondition(draft.status, 'DisruptionTarget', { status: 'True', ...cause }, Date.now());
  });
  if (!pod) throw notFound('pods', name);
  deletePod(cluster, pod, {});
}
