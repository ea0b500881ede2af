import type { Container, Job, JobSpec, PodSpec, PodStatus } from './api-objects.js';

export function defaultPodStatus(): PodStatus {
  return { phase: 'Pending', qosClass: 'BestEffort' };
}

/** The values that the API server adds to a Pod spec (test/golden/01a). */
export function withPodDefaults(spec: PodSpec): PodSpec {
  return {
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    ...spec,
    containers: spec.containers.map(withContainerDefaults),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(withContainerDefaults) } : {}),
  };
}

function withContainerDefaults(container: Container): Container {
  const isLatest = !container.image.includes(':') || container.image.endsWith(':latest');
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: isLatest ? 'Always' : 'IfNotPresent',
    ...container,
    resources: withRequests(container.resources ?? {}),
  };
}

/** A limit without a request makes the request. */
function withRequests(resources: NonNullable<Container['resources']>): NonNullable<Container['resources']> {
  if (!resources.limits) return resources;
  return { ...resources, requests: { ...resources.limits, ...resources.requests } };
}

/** The values that the API server adds to a Job; the uid is known only after the create. */
export function withJobDefaults(spec: JobSpec): JobSpec {
  return {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    manualSelector: false,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
    ...spec,
    template: { ...spec.template, metadata: { ...spec.template.metadata }, spec: withPodDefaults(spec.template.spec) },
  };
}

/** Selector and labels that carry the Job's own uid and name. */
export function addJobIdentity(draft: Job): void {
  const { uid, name } = draft.metadata;
  draft.spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  draft.spec.template.metadata.labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    ...draft.spec.template.metadata.labels,
    'job-name': name,
  };
}
