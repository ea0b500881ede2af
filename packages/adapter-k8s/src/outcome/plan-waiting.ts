import type { RunFailureV1 } from '@runbeat/adapter-sdk';
import type { Timings } from '../timings.js';
import type { WireEvent, WirePod } from '../wire.js';
import { isNodeNotReady } from './disruption.js';
import { podCondition, workStatus } from './pod-facts.js';

/** Why a run does not run (yet), and for how long that is borne before the run fails with `failure`. */
export interface Obstacle {
  /** Obstacles of one group are one wait: `ErrImagePull` and `ImagePullBackOff` take turns. */
  readonly group: string;
  readonly message: string;
  readonly limitMs: number;
  readonly failure: RunFailureV1;
}

export interface WaitingFacts {
  /** Null = the Job has no Pod. */
  readonly pod: WirePod | null;
  /** Events of the Pod, or of the Job while there is no Pod; null = not asked, or forbidden. */
  readonly events: readonly WireEvent[] | null;
  readonly timings: Timings;
}

/** The failure catalogue for a run that is not working; null when nothing is wrong. Order: no Pod, scheduling, init, container. */
export function planWaiting(facts: WaitingFacts): Obstacle | null {
  const { pod, timings } = facts;
  if (pod === null) return podCreationObstacle(facts);
  const scheduled = podCondition(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    return obstacle('unschedulable', timings.unschedulableMs, {
      code: 'unschedulable',
      message: `No node takes the Pod: ${scheduled.message ?? scheduled.reason}. Lower resources.requests, or add a node that matches nodeSelector and tolerations.`,
      retryable: true,
    });
  }
  if (isNodeNotReady(pod)) {
    return obstacle('node', timings.nodeLostMs, {
      code: 'node_lost',
      message: `The node ${pod.spec?.nodeName} of the Pod does not answer the cluster any more. A retry runs elsewhere; look at the node when it repeats.`,
      retryable: true,
    });
  }
  for (const status of [...(pod.status?.initContainerStatuses ?? []), workStatus(pod)]) {
    const waiting = status?.state?.waiting;
    const found = waiting?.reason ? containerObstacle(waiting.reason, waiting.message ?? '', facts) : null;
    if (found !== null) return found;
  }
  return null;
}

function obstacle(group: string, limitMs: number, failure: RunFailureV1): Obstacle {
  return { group, limitMs, failure, message: failure.message };
}

function containerObstacle(reason: string, text: string, facts: WaitingFacts): Obstacle | null {
  const { timings } = facts;
  switch (reason) {
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
      return obstacle('image-invalid', timings.imageInvalidMs, {
        code: 'k8s.image_invalid',
        message: `The image cannot be used: ${text} Correct image (and imagePullPolicy) of the agent.`,
        retryable: false,
      });
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'ImageInspectError':
    case 'RegistryUnavailable':
      return obstacle('image', timings.imagePullMs, {
        code: 'image_pull_failed',
        message: `The image cannot be fetched: ${text} Check image and imagePullSecrets of the agent, and that the node reaches the registry.`,
        retryable: !/not found|denied|unauthorized|forbidden/i.test(text),
      });
    case 'CreateContainerConfigError':
      return obstacle('config', timings.containerConfigMs, {
        code: 'k8s.container_config_error',
        message: `The container cannot be configured: ${text} ${configRemedy(text)}`,
        retryable: false,
      });
    case 'CreateContainerError':
    case 'RunContainerError':
      return obstacle('create', timings.containerConfigMs, {
        code: 'k8s.container_start_failed',
        message: `The container cannot be created: ${text} Check command, volumes and runtimeClassName of the agent.`,
        retryable: false,
      });
    case 'ContainerCreating':
    case 'PodInitializing':
      return volumeObstacle(facts);
    default:
      return null;
  }
}

function configRemedy(text: string): string {
  if (/runAsNonRoot|run as root/.test(text)) return 'Set runAsUser of the agent to a user of the image.';
  return 'Create the Secret or ConfigMap that the message names, or correct secretRefs and env of the agent.';
}

/** A volume that cannot be mounted shows only in Events. */
function volumeObstacle({ events, timings }: WaitingFacts): Obstacle | null {
  const failed = events?.findLast((event) => event.reason === 'FailedMount' || event.reason === 'FailedAttachVolume');
  if (!failed) return null;
  return obstacle('volume', timings.volumeMs, {
    code: 'k8s.volume_failed',
    message: `A volume cannot be mounted: ${failed.message} Create what the message names, or correct volumes of the agent.`,
    retryable: false,
  });
}

/** Job Events are the only place that tells why no Pod was made. */
function podCreationObstacle({ events, timings }: WaitingFacts): Obstacle | null {
  const failed = events?.findLast((event) => event.reason === 'FailedCreate');
  const text = failed?.message ?? '';
  if (!failed) return null;
  if (/exceeded quota/.test(text)) {
    return obstacle('quota', timings.quotaMs, {
      code: 'k8s.quota_exceeded',
      message: `The namespace's quota has no room for the Pod: ${text}. Raise the ResourceQuota, lower resources.requests, or run fewer at once.`,
      retryable: true,
    });
  }
  return obstacle('create-pod', timings.podCreateMs, {
    code: 'k8s.pod_create_rejected',
    message: `The cluster refuses the Pod: ${text}. ${rejectionRemedy(text)}`,
    retryable: false,
  });
}

function rejectionRemedy(text: string): string {
  if (/violates PodSecurity/.test(text)) return 'Remove what violates it from podTemplatePatch or volumes of the agent.';
  if (/service ?account/i.test(text)) return 'Create the ServiceAccount, or correct serviceAccountName of the agent.';
  if (/PriorityClass/.test(text)) return 'Create the PriorityClass, or correct priorityClassName of the agent.';
  if (/webhook/.test(text)) return 'An admission webhook refused it: ask its owner, or adapt podTemplatePatch of the agent.';
  return 'Adapt the config of the agent to what the message says.';
}
