import type { RunFailureV1 } from '@runbeat/adapter-sdk';
import type { WirePod } from '../wire.js';
import { podCondition } from './pod-facts.js';

interface Disruption {
  readonly code: string;
  readonly what: string;
  readonly remedy: string;
}

/** Reasons of the condition DisruptionTarget (KEP-3329), and what they mean for a run. */
const disruptionsByReason: Readonly<Record<string, Disruption>> = {
  EvictionByEvictionAPI: {
    code: 'evicted',
    what: 'The Pod was evicted through the eviction API, as `kubectl drain` and cluster autoscalers do',
    remedy:
      'Protect long runs with a PodDisruptionBudget, or mark them with cluster-autoscaler.kubernetes.io/safe-to-evict=false.',
  },
  PreemptionByScheduler: {
    code: 'k8s.preempted',
    what: 'The scheduler removed the Pod to make room for one of higher priority',
    remedy: 'Give the agent a priorityClassName that is at least as high.',
  },
  DeletionByTaintManager: {
    code: 'k8s.node_drained',
    what: 'The Pod was removed because its node got a NoExecute taint',
    remedy: 'Add a toleration for that taint, or let a retry run elsewhere.',
  },
  DeletionByPodGC: {
    code: 'node_lost',
    what: 'The node of the Pod exists no more',
    remedy: 'A retry runs elsewhere; look at the node pool when it repeats.',
  },
};

const unreachableTaint = /unreachable|not-ready|NotReady/i;

/** The failure when something outside ended the Pod; null when nothing did. */
export function disruptionFailure(pod: WirePod, exitCode: number | undefined): RunFailureV1 | null {
  const byStatus = statusDisruption(pod);
  const condition = podCondition(pod, 'DisruptionTarget');
  const target = condition?.status === 'True' ? condition : undefined;
  if (byStatus === null && target === undefined) return null;
  const text = (target?.message ?? pod.status?.message ?? '').trim();
  const found = byStatus ?? disruptionFromCondition(target?.reason ?? '', text, pod);
  return {
    code: found.code,
    message: `${found.what}: ${text || (target?.reason ?? 'no message')}. ${found.remedy}`,
    retryable: true,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function disruptionFromCondition(reason: string, text: string, pod: WirePod): Disruption {
  if (reason === 'DeletionByTaintManager' && (unreachableTaint.test(text) || isNodeNotReady(pod))) {
    return { ...disruptionsByReason['DeletionByPodGC'], code: 'node_lost' } as Disruption;
  }
  return (
    disruptionsByReason[reason] ?? {
      code: 'evicted',
      what: `The Pod was ended by its cluster (${reason})`,
      remedy: 'A retry usually finds another node.',
    }
  );
}

/** What the kubelet itself says when it ends a Pod. */
function statusDisruption(pod: WirePod): Disruption | null {
  switch (pod.status?.reason) {
    case 'Terminated':
    case 'NodeShutdown':
      return {
        code: 'k8s.node_shutdown',
        what: 'The node of the Pod was shut down',
        remedy: 'A retry runs elsewhere; raise shutdownGracePeriod of the kubelet to give runs time to end.',
      };
    case 'Preempting':
      return { ...disruptionsByReason['PreemptionByScheduler'], code: 'k8s.preempted' } as Disruption;
    case 'NodeLost':
      return { ...disruptionsByReason['DeletionByPodGC'], code: 'node_lost' } as Disruption;
    default:
      return null;
  }
}

/** The node controller sets Ready to False and leaves the containers' own readiness as it was. */
export function isNodeNotReady(pod: WirePod): boolean {
  const ready = podCondition(pod, 'Ready');
  const containers = pod.status?.containerStatuses ?? [];
  return (
    pod.status?.phase === 'Running' &&
    ready?.status === 'False' &&
    ready.reason === undefined &&
    containers.length > 0 &&
    containers.every((container) => container.ready && container.state?.running != null)
  );
}
