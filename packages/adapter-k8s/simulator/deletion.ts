import { isPodFinished, type Job, kubeTime, type Pod } from './api-objects.js';
import type { Cluster } from './cluster.js';

/** Marks a Pod for deletion as the API server does; the kubelet or the finalizer's owner does the rest. */
export function deletePod(cluster: Cluster, pod: Pod, options: { gracePeriodSeconds?: number }): Pod {
  const { namespace, name } = pod.metadata;
  const isIdle = pod.spec.nodeName === undefined || isPodFinished(pod);
  const grace = isIdle ? 0 : (options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
  const updated = cluster.store.update(
    'pods',
    namespace,
    name,
    (draft) => {
      const before = draft.metadata.deletionGracePeriodSeconds;
      if (draft.metadata.deletionTimestamp !== undefined && before !== undefined && before <= grace) return;
      draft.metadata.deletionTimestamp = kubeTime(Date.now() + grace * 1000);
      draft.metadata.deletionGracePeriodSeconds = grace;
    },
    { isSpecChange: true },
  );
  return updated ?? pod;
}

/** What the API server and the garbage collector do by themselves: removal after the last finalizer, cascades. */
export function createGarbageCollector(cluster: Cluster): { destroy(): void } {
  const { store, pace } = cluster;

  const destroy = store.subscribe((event) => {
    const { metadata, kind } = event.object;
    if (kind === 'Pod' && event.type === 'MODIFIED' && isRemovable(event.object as Pod)) {
      cluster.later(1, () => removePod(metadata.namespace, metadata.name));
    }
    if (kind === 'Pod' && event.type === 'MODIFIED' && isUnscheduledTerminating(event.object as Pod)) {
      cluster.later(pace.garbageCollection, () => failUnscheduled(metadata.namespace, metadata.name));
    }
    if (kind === 'Job' && event.type === 'DELETED') cluster.later(pace.garbageCollection, () => collect(event.object as Job));
    if (kind === 'Job' && event.type === 'MODIFIED' && metadata.finalizers?.includes('foregroundDeletion')) {
      cluster.later(pace.garbageCollection, () => deleteForeground(event.object as Job));
    }
    if (kind === 'Pod' && event.type === 'DELETED') cluster.later(2, sweepForeground);
    if (kind === 'Secret' && event.type === 'ADDED') cluster.later(pace.garbageCollection, sweepOwnerless);
  });

  const isRemovable = (pod: Pod): boolean =>
    pod.metadata.deletionTimestamp !== undefined &&
    pod.metadata.deletionGracePeriodSeconds === 0 &&
    (pod.metadata.finalizers ?? []).length === 0;

  const isUnscheduledTerminating = (pod: Pod): boolean =>
    pod.metadata.deletionTimestamp !== undefined && pod.spec.nodeName === undefined && !isPodFinished(pod);

  /**
   * No kubelet ever saw it, so the Pod garbage collector says that it is over (kubernetes/pkg/controller/podgc,
   * gcUnscheduledTerminating); only then does a Job with podReplacementPolicy Failed take its finalizer off.
   */
  function failUnscheduled(namespace: string, name: string): void {
    store.update('pods', namespace, name, (draft) => {
      if (isUnscheduledTerminating(draft as Pod)) draft.status.phase = 'Failed';
    });
  }

  function removePod(namespace: string, name: string): void {
    const pod = store.get('pods', namespace, name);
    if (pod && isRemovable(pod)) store.remove('pods', namespace, name);
  }

  const isOwnedBy = (uid: string) => (object: { metadata: Pod['metadata'] }) =>
    object.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;

  /** The owner is gone: Pods are deleted with grace, Secrets at once. */
  function collect(job: Job): void {
    const { namespace, uid } = job.metadata;
    for (const pod of store.list('pods', namespace).filter(isOwnedBy(uid))) deletePod(cluster, pod, {});
    for (const secret of store.list('secrets', namespace).filter(isOwnedBy(uid))) {
      store.remove('secrets', namespace, secret.metadata.name);
    }
  }

  function deleteForeground(job: Job): void {
    const { namespace, name, uid } = job.metadata;
    const current = store.get('jobs', namespace, name);
    if (current?.metadata.uid !== uid || !current.metadata.finalizers?.includes('foregroundDeletion')) return;
    const pods = store.list('pods', namespace).filter(isOwnedBy(uid));
    for (const pod of pods) if (pod.metadata.deletionTimestamp === undefined) deletePod(cluster, pod, {});
    if (pods.length === 0) store.remove('jobs', namespace, name);
  }

  function sweepForeground(): void {
    for (const job of store.list('jobs', null)) {
      if (job.metadata.finalizers?.includes('foregroundDeletion')) deleteForeground(job);
    }
  }

  /** A Secret whose owner's uid does not exist (any more) is collected too (test/golden/01a). */
  function sweepOwnerless(): void {
    const jobs = new Set(store.list('jobs', null).map((job) => job.metadata.uid));
    for (const secret of store.list('secrets', null)) {
      const owners = secret.metadata.ownerReferences ?? [];
      if (owners.length > 0 && owners.every((owner) => !jobs.has(owner.uid))) {
        store.remove('secrets', secret.metadata.namespace, secret.metadata.name);
      }
    }
  }

  return { destroy };
}
