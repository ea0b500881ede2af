import type { RunFailureV1, RunSinksV1 } from '@runbeat/adapter-sdk';
import { isApiError, isStatus } from '../cluster/api-error.js';
import { planWaiting } from '../outcome/plan-waiting.js';
import { workStatus } from '../outcome/pod-facts.js';
import type { WireEvent, WireJob, WirePod } from '../wire.js';
import type { Scope } from './scope.js';

/** Watches what holds a run up, tells it, and gives the failure when it has lasted too long. */
export interface ObstacleWatch {
  check(facts: { readonly job: WireJob | null; readonly pod: WirePod | null }, signal: AbortSignal): Promise<RunFailureV1 | null>;
}

/**
 * Holds the obstacle that the run is held up by and since when (`wait`), and the Events that were read last. Obstacles of
 * one group are one wait; a run that is not held up for a moment starts to wait anew.
 */
export function createObstacleWatch(scope: Scope, sinks: RunSinksV1): ObstacleWatch {
  const { timings, now, api } = scope;
  const startedAt = now();
  let wait: { group: string; since: number } | null = null;
  let events: readonly WireEvent[] | null = null;
  let eventsAt = 0;

  /** Events tell why there is no Pod, and why a volume cannot be mounted; nothing else does. */
  async function readEvents(job: WireJob | null, pod: WirePod | null, signal: AbortSignal): Promise<void> {
    const isWaiting = pod === null || isCreating(pod);
    if (!isWaiting || now() - startedAt < timings.eventsAfterMs || now() - eventsAt < timings.eventsEveryMs) return;
    eventsAt = now();
    const uid = pod?.metadata?.uid ?? job?.metadata?.uid;
    if (uid === undefined) return;
    try {
      events = await api.listEvents(uid, { signal });
    } catch (error) {
      if (!isApiError(error)) throw error;
      if (!isStatus(error, 403)) return;
      eventsAt = Number.POSITIVE_INFINITY;
      const message = `Events may not be listed, so it cannot be told why the Pod is not made or started: ${error.message}`;
      await sinks.onEvent({ type: 'k8s.events_forbidden', level: 'warn', message });
    }
  }

  return {
    async check({ job, pod }, signal) {
      await readEvents(job, pod, signal);
      const obstacle = planWaiting({ pod, events, timings });
      if (obstacle === null) {
        wait = null;
        return null;
      }
      if (wait?.group !== obstacle.group) {
        wait = { group: obstacle.group, since: now() };
        const { code } = obstacle.failure;
        await sinks.onEvent({ type: 'k8s.waiting', level: 'warn', message: obstacle.message, data: { code } });
      }
      return now() - wait.since < obstacle.limitMs ? null : obstacle.failure;
    },
  };
}

function isCreating(pod: WirePod): boolean {
  const reason = workStatus(pod)?.state?.waiting?.reason;
  return reason === 'ContainerCreating' || reason === 'PodInitializing';
}
