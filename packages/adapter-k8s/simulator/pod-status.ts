import { type Condition, type ContainerState, type ContainerStatus, kubeTime, type Pod, type PodStatus } from './api-objects.js';

/** Sets a condition the way the kubelet does: the transition time moves only when the status changes. */
export function setCondition(
  status: { conditions?: Condition[] },
  type: string,
  value: { status: 'True' | 'False'; reason?: string; message?: string },
  nowMs: number,
): void {
  const conditions = status.conditions ?? [];
  status.conditions = conditions;
  const before = conditions.find((condition) => condition.type === type);
  const next: Condition = {
    type,
    status: value.status,
    lastProbeTime: null,
    lastTransitionTime: before?.status === value.status ? (before.lastTransitionTime ?? kubeTime(nowMs)) : kubeTime(nowMs),
    ...(value.reason === undefined ? {} : { reason: value.reason }),
    ...(value.message === undefined ? {} : { message: value.message }),
  };
  if (before) conditions[conditions.indexOf(before)] = next;
  else conditions.push(next);
}

/** The first status that a kubelet writes for a Pod. */
export function startPodStatus(pod: Pod, nowMs: number): PodStatus {
  const names = pod.spec.containers.map((container) => container.name);
  const unready = { reason: 'ContainersNotReady', message: `containers with unready status: [${names.join(' ')}]` };
  const status: PodStatus = {
    ...structuredClone(pod.status),
    phase: 'Pending',
    hostIP: '127.0.0.1',
    startTime: kubeTime(nowMs),
    containerStatuses: pod.spec.containers.map((container) =>
      waitingStatus(container.name, container.image, 'ContainerCreating'),
    ),
  };
  const initContainers = pod.spec.initContainers ?? [];
  if (initContainers.length > 0) {
    status.initContainerStatuses = initContainers.map((each) => waitingStatus(each.name, each.image, 'PodInitializing'));
    for (const each of status.containerStatuses ?? []) each.state = { waiting: { reason: 'PodInitializing' } };
  }
  setCondition(status, 'PodReadyToStartContainers', { status: 'False' }, nowMs);
  setCondition(status, 'Initialized', { status: initContainers.length > 0 ? 'False' : 'True' }, nowMs);
  setCondition(status, 'Ready', { status: 'False', ...unready }, nowMs);
  setCondition(status, 'ContainersReady', { status: 'False', ...unready }, nowMs);
  return status;
}

function waitingStatus(name: string, image: string, reason: string): ContainerStatus {
  return {
    name,
    state: { waiting: { reason } },
    lastState: {},
    ready: false,
    restartCount: 0,
    image,
    imageID: '',
    started: false,
  };
}

/** Puts a container's state into the status; `ready` and `started` follow from it. */
export function setContainerState(status: PodStatus, name: string, state: ContainerState, containerID?: string): void {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const container = all.find((each) => each.name === name);
  if (!container) return;
  container.state = state;
  container.ready = state.running !== undefined;
  container.started = state.running !== undefined;
  if (containerID !== undefined) container.containerID = containerID;
}

/** Ready conditions of a Pod whose containers have ended or are being ended. */
export function setPodEnded(status: PodStatus, reason: 'PodCompleted' | 'PodFailed', nowMs: number): void {
  setCondition(status, 'Ready', { status: 'False', reason }, nowMs);
  setCondition(status, 'ContainersReady', { status: 'False', reason }, nowMs);
  if (reason === 'PodCompleted') setCondition(status, 'Initialized', { status: 'True', reason }, nowMs);
}
