import { randomBytes } from 'node:crypto';
import { type AdmissionSettings, podAdmissionProblem } from './admission.js';
import { type Condition, conditionOf, isPodFinished, type Job, kubeTime, type Pod } from './api-objects.js';
import { type Cluster, emitEvent } from './cluster.js';
import { defaultPodStatus } from './defaults.js';
import { deletePod } from './deletion.js';
import { isIgnored, plannedEnd } from './job-end.js';

const TRACKING = 'batch.kubernetes.io/job-tracking';

/** The Job controller: suspend, Pods, counting in two steps, failure policy, deadline, TTL (test/golden/02–05). */
export interface JobController {
  destroy(): void;
}

export function createJobController(cluster: Cluster, admission: AdmissionSettings): JobController {
  const { store, pace } = cluster;
  const queued = new Map<string, { dueAt: number }>();
  const createRetryAt = new Map<string, { at: number; tries: number }>();

  const unsubscribe = store.subscribe((event) => {
    if (event.resource === 'jobs' && event.type !== 'DELETED') enqueue(event.object as Job, pace.suspend);
    if (event.resource === 'jobs' && event.type === 'DELETED') {
      // Its Pods may have no further event of their own.
      for (const pod of podsOf(event.object as Job)) cluster.later(pace.suspend, () => releaseOrphan(pod));
    }
    if (event.resource !== 'pods') return;
    const owner = event.object.metadata.ownerReferences?.find((each) => each.kind === 'Job');
    const job = owner && store.get('jobs', event.object.metadata.namespace, owner.name);
    if (job && job.metadata.uid === owner.uid) enqueue(job, pace.jobSync);
    else if (event.type !== 'DELETED') cluster.later(pace.suspend, () => releaseOrphan(event.object as Pod));
  });

  /** The Job of a tracked Pod is gone: the finalizer is taken off. */
  function releaseOrphan(pod: Pod): void {
    const owner = pod.metadata.ownerReferences?.find((each) => each.kind === 'Job');
    if (owner && store.get('jobs', pod.metadata.namespace, owner.name)?.metadata.uid === owner.uid) return;
    removeFinalizer(pod);
  }

  function enqueue(job: Job, ms: number): void {
    const { namespace, name, uid } = job.metadata;
    const dueAt = Date.now() + ms;
    const before = queued.get(uid);
    if (before && before.dueAt <= dueAt) return;
    const entry = { dueAt };
    queued.set(uid, entry);
    cluster.later(ms, () => {
      if (queued.get(uid) !== entry) return;
      queued.delete(uid);
      const current = store.get('jobs', namespace, name);
      if (current?.metadata.uid === uid) sync(current);
    });
  }

  function setStatus(job: Job, change: (draft: Job['status']) => void): void {
    store.update('jobs', job.metadata.namespace, job.metadata.name, (draft) => {
      if (draft.metadata.uid === job.metadata.uid) change(draft.status);
    });
  }

  function sync(job: Job): unknown {
    const pods = podsOf(job);
    const isDone = isFinished(job);
    if (isDone) {
      for (const pod of pods) if (isPodFinished(pod)) removeFinalizer(pod);
      expire(job);
      return;
    }
    if (job.spec.suspend) return suspendJob(job, pods);
    if (!job.status.startTime) return startJob(job);
    if (conditionOf(job.status.conditions, 'Suspended')?.status === 'True') return startJob(job);
    if (isPastDeadline(job)) return failByDeadline(job, pods);
    countAndReplace(job, pods);
  }

  function podsOf(job: Job): Pod[] {
    return store
      .list('pods', job.metadata.namespace)
      .filter((pod) => pod.metadata.ownerReferences?.some((each) => each.uid === job.metadata.uid));
  }

  function suspendJob(job: Job, pods: Pod[]): void {
    for (const pod of pods) if (!isPodFinished(pod)) deletePod(cluster, pod, {});
    setStatus(job, (status) => {
      if (conditionOf(status.conditions, 'Suspended')?.status !== 'True') {
        status.conditions = withCondition(status.conditions, 'Suspended', 'True', 'JobSuspended', 'Job suspended');
      }
      delete status.active;
      delete status.startTime;
      status.terminating = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined).length;
      status.uncountedTerminatedPods = {};
      status.ready = 0;
    });
  }

  function startJob(job: Job): void {
    setStatus(job, (status) => {
      if (conditionOf(status.conditions, 'Suspended')) {
        status.conditions = withCondition(status.conditions, 'Suspended', 'False', 'JobResumed', 'Job resumed');
      }
      status.startTime = kubeTime(Date.now());
      status.terminating = 0;
      status.uncountedTerminatedPods = {};
      status.ready = 0;
    });
    if (job.spec.activeDeadlineSeconds !== undefined) enqueueLater(job, job.spec.activeDeadlineSeconds * 1000 + 20);
    const current = store.get('jobs', job.metadata.namespace, job.metadata.name);
    if (current) sync(current);
  }

  function enqueueLater(job: Job, ms: number): void {
    cluster.later(ms, () => {
      const current = store.get('jobs', job.metadata.namespace, job.metadata.name);
      if (current?.metadata.uid === job.metadata.uid) sync(current);
    });
  }

  function countAndReplace(job: Job, pods: Pod[]): void {
    const replacesTerminating = job.spec.podReplacementPolicy !== 'Failed';
    const isOver = (pod: Pod): boolean =>
      isPodFinished(pod) || (replacesTerminating && pod.metadata.deletionTimestamp !== undefined);
    const uncounted = pods.filter((pod) => isOver(pod) && pod.metadata.finalizers?.includes(TRACKING));
    const active = pods.filter((pod) => !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined);
    const terminating = pods.filter((pod) => !isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined);
    const succeeded = uncounted.filter((pod) => pod.status.phase === 'Succeeded');
    const failed = uncounted.filter((pod) => pod.status.phase !== 'Succeeded');
    const end = plannedEnd(job, succeeded, failed, cluster);
    const ready = active.filter((pod) => conditionOf(pod.status.conditions, 'Ready')?.status === 'True').length;

    setStatus(job, (status) => {
      if (active.length > 0) status.active = active.length;
      else delete status.active;
      status.ready = ready;
      status.terminating = terminating.length;
      status.uncountedTerminatedPods = {
        ...(succeeded.length > 0 ? { succeeded: succeeded.map((pod) => pod.metadata.uid) } : {}),
        ...(failed.length > 0 ? { failed: failed.map((pod) => pod.metadata.uid) } : {}),
      };
      if (end) status.conditions = withCondition(status.conditions, end.first, 'True', end.reason, end.message);
    });
    if (uncounted.length > 0) {
      for (const pod of uncounted) removeFinalizer(pod);
      setStatus(job, (status) => {
        status.uncountedTerminatedPods = {};
        if (succeeded.length > 0) status.succeeded = (status.succeeded ?? 0) + succeeded.length;
        const counted = failed.filter((pod) => !isIgnored(job, pod)).length;
        if (counted > 0) status.failed = (status.failed ?? 0) + counted;
        if (!end || (end.last === 'Failed' && terminating.length > 0)) return;
        status.conditions = withCondition(status.conditions, end.last, 'True', end.reason, end.message);
        if (end.last === 'Complete') status.completionTime = kubeTime(Date.now());
      });
      if (end) emitEvent(cluster, job, { type: 'Normal', reason: end.reason, message: end.message, component: 'job-controller' });
      return;
    }
    if (job.metadata.deletionTimestamp !== undefined || end) return;
    const isWaiting = terminating.length > 0 && !replacesTerminating;
    if (active.length === 0 && !isWaiting) createReplacement(job, pods);
  }

  function createReplacement(job: Job, pods: Pod[]): unknown {
    const { uid } = job.metadata;
    const retry = createRetryAt.get(uid);
    const failures = (job.status.failed ?? 0) + (pods.length > 0 ? 1 : 0);
    const dueAt = retry?.at ?? (failures > 0 ? Date.now() + pace.replacement : 0);
    if (dueAt > Date.now()) {
      if (!retry) createRetryAt.set(uid, { at: dueAt, tries: 0 });
      return enqueueLater(job, dueAt - Date.now() + 2);
    }
    const problem = podAdmissionProblem(job, admission, cluster);
    if (problem !== null) {
      const tries = (retry?.tries ?? 0) + 1;
      emitEvent(cluster, job, {
        type: 'Warning',
        reason: 'FailedCreate',
        message: `Error creating: ${problem}`,
        component: 'job-controller',
      });
      const wait = pace.failedCreateRetry * 2 ** Math.min(tries - 1, 4);
      createRetryAt.set(uid, { at: Date.now() + wait, tries });
      return enqueueLater(job, wait + 2);
    }
    createRetryAt.delete(uid);
    createPod(job);
  }

  function createPod(job: Job): void {
    const { name, namespace, uid } = job.metadata;
    const podName = `${name}-${randomBytes(3).toString('hex').slice(0, 5)}`;
    const { labels, annotations } = job.spec.template.metadata;
    store.create('pods', {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        name: podName,
        generateName: `${name}-`,
        namespace,
        generation: 1,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true }],
        finalizers: [TRACKING],
      },
      spec: { ...structuredClone(job.spec.template.spec), serviceAccountName: serviceAccountOf(job) },
      status: defaultPodStatus(),
    });
    setStatus(job, (status) => {
      status.active = 1;
    });
    emitEvent(cluster, job, {
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${podName}`,
      component: 'job-controller',
    });
  }

  function failByDeadline(job: Job, pods: Pod[]): void {
    const message = 'Job was active longer than specified deadline';
    const running = pods.filter((pod) => !isPodFinished(pod));
    for (const pod of running) if (pod.metadata.deletionTimestamp === undefined) deletePod(cluster, pod, {});
    setStatus(job, (status) => {
      status.conditions = withCondition(status.conditions, 'FailureTarget', 'True', 'DeadlineExceeded', message);
      delete status.active;
      status.terminating = running.length;
      if (running.length > 0) return;
      status.conditions = withCondition(status.conditions, 'Failed', 'True', 'DeadlineExceeded', message);
      status.failed = (status.failed ?? 0) + pods.length;
    });
    for (const pod of pods) if (isPodFinished(pod)) removeFinalizer(pod);
  }

  function removeFinalizer(pod: Pod): void {
    if (!pod.metadata.finalizers?.includes(TRACKING)) return;
    store.update('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
      if (draft.metadata.uid === pod.metadata.uid) delete draft.metadata.finalizers;
    });
  }

  function expire(job: Job): void {
    const ttl = job.spec.ttlSecondsAfterFinished;
    const finishedAt =
      job.status.completionTime ?? conditionOf(job.status.conditions, 'Failed')?.lastTransitionTime ?? kubeTime(Date.now());
    if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return;
    // Whole seconds from completionTime (test/golden/02a, 02b).
    const due = Date.parse(finishedAt) + ttl * 1000 - Date.now();
    cluster.later(Math.max(6, due), () => {
      store.update('jobs', job.metadata.namespace, job.metadata.name, (draft) => {
        if (draft.metadata.uid !== job.metadata.uid || draft.metadata.deletionTimestamp !== undefined) return;
        draft.metadata.deletionTimestamp = kubeTime(Date.now());
        draft.metadata.deletionGracePeriodSeconds = 0;
        draft.metadata.finalizers = ['foregroundDeletion'];
      });
    });
  }

  return { destroy: unsubscribe };
}

function isFinished(job: Job): boolean {
  return ['Complete', 'Failed'].some((type) => conditionOf(job.status.conditions, type)?.status === 'True');
}

function isPastDeadline(job: Job): boolean {
  const { activeDeadlineSeconds } = job.spec;
  const started = job.status.startTime;
  return (
    activeDeadlineSeconds !== undefined &&
    started !== undefined &&
    Date.now() - Date.parse(started) >= activeDeadlineSeconds * 1000
  );
}

function serviceAccountOf(job: Job): string {
  return job.spec.template.spec.serviceAccountName ?? 'default';
}

function withCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
): Condition[] {
  const rest = (conditions ?? []).filter((each) => each.type !== type);
  const before = conditionOf(conditions, type);
  if (before?.status === status && before.reason === reason) return [...(conditions ?? [])];
  const now = kubeTime(Date.now());
  return [...rest, { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }];
}
