import type { KubeEvent, ResourceName } from './api-objects.js';
import { type ApiObject, kubeTime } from './api-objects.js';
import type { NodeClock } from './node-clock.js';
import type { ObjectStore } from './object-store.js';
import type { Pace } from './pace.js';

/** How an image behaves. Images run as root unless they say otherwise, as `node:20` does. */
export type ImageBehaviour = { kind: 'present'; isNonRoot?: boolean } | { kind: 'missing' } | { kind: 'slow'; ms: number };

/** What the parts of the simulated cluster share. */
export interface Cluster {
  readonly store: ObjectStore;
  readonly clock: NodeClock;
  readonly pace: Pace;
  readonly images: Map<string, ImageBehaviour>;
  readonly node: { labels: Record<string, string>; cpu: number; memoryBytes: number };
  readonly logRotateBytes: number;
  readonly logRotateCheckMs: number;
  /** Runs `task` after `ms` unless the simulator was closed; a failing task fails the simulator loudly. */
  later(ms: number, task: () => void): void;
  delay(ms: number): Promise<void>;
  readonly isClosed: boolean;
}

let eventCount = 0;

/** Writes an Event about an object, as controllers and kubelet do. */
export function emitEvent(
  cluster: Cluster,
  about: ApiObject,
  event: { type: KubeEvent['type']; reason: string; message: string; component: string },
): void {
  eventCount += 1;
  const { name, namespace, uid } = about.metadata;
  const now = kubeTime(Date.now());
  cluster.store.create('events' satisfies ResourceName, {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name: `${name}.${eventCount.toString(16).padStart(16, '0')}`, namespace },
    involvedObject: { kind: about.kind, namespace, name, uid, apiVersion: about.apiVersion },
    reason: event.reason,
    message: event.message,
    type: event.type,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: event.component },
  });
}
