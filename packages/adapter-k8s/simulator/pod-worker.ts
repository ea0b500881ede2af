import { randomBytes } from 'node:crypto';
import { type Container, type ContainerState, isPodFinished, kubeTime, type Pod, type PodStatus } from './api-objects.js';
import { type Cluster, emitEvent } from './cluster.js';
import { containerObstacle, environmentOf, memoryLimitOf, missingVolume } from './container-checks.js';
import {
  type ContainerExit,
  type ContainerProcess,
  ContainerStartError,
  createSandbox,
  type Sandbox,
  startContainer,
} from './container-process.js';
import { type CriLog, createCriLog } from './cri-log.js';
import { setCondition, setContainerState, setPodEnded, startPodStatus } from './pod-status.js';

/** Why a kubelet ends a Pod's containers. `reason` and `message` go into the Pod's status. */
export interface StopOrder {
  readonly cause: 'deleted' | 'deadline' | 'evicted' | 'shutdown';
  readonly graceMs: number;
  readonly reason?: string;
  readonly message?: string;
}

/** The kubelet's work on one Pod, from its scheduling to its end. */
export interface PodWorker {
  readonly uid: string;
  /** The Pod changed in the API (deletion, a lowered deadline). */
  podChanged(pod: Pod): void;
  /** The Pod is gone from the API: end what runs, tell nobody. */
  podGone(): void;
  stop(order: StopOrder): void;
  log(container: string): CriLog | undefined;
  process(container: string): ContainerProcess | undefined;
  /** Kills everything at once; for the end of the simulator. */
  destroy(): void;
}

export interface WorkerContext {
  readonly cluster: Cluster;
  /** Resolves when the kubelet is neither frozen nor away: nothing is published before. */
  whenResponsive(): Promise<void>;
}

export function createPodWorker(first: Pod, context: WorkerContext): PodWorker {
  const { cluster } = context;
  const { pace, clock } = cluster;
  const { namespace, name, uid } = first.metadata;
  const logs = new Map<string, CriLog>();
  const processes = new Map<string, ContainerProcess>();
  /** The kubelet's own view; written to the API by `publish`. */
  const status: PodStatus = startPodStatus(first, clock.nowMs());
  let pod = first;
  let sandbox: Sandbox | null = null;
  let order: StopOrder | null = null;
  let isGone = false;
  let wakeStop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    wakeStop = resolve;
  });

  async function publish(): Promise<void> {
    await context.whenResponsive();
    if (isGone) return;
    cluster.store.update('pods', namespace, name, (draft) => {
      if (draft.metadata.uid !== uid) return;
      const disruption = draft.status.conditions?.filter((each) => each.type === 'DisruptionTarget') ?? [];
      draft.status = structuredClone(status);
      draft.status.conditions = [
        ...(status.conditions ?? []).filter((each) => each.type !== 'DisruptionTarget'),
        ...disruption,
      ].map((each) => ({ ...each }));
    });
  }

  function stop(next: StopOrder): void {
    if (order !== null && next.graceMs >= order.graceMs) return;
    order = order === null ? next : { ...order, graceMs: next.graceMs };
    wakeStop();
  }

  /** True when the wait ended because of a stop order. */
  async function wait(ms: number): Promise<boolean> {
    await Promise.race([cluster.delay(ms), stopped]);
    return order !== null || cluster.isClosed;
  }

  async function run(): Promise<void> {
    await cluster.delay(pace.kubeletSync);
    await publish();
    watchDeadline();
    if (await waitForVolumes()) return end([]);
    sandbox = createSandbox(pod, (secret) => cluster.store.get('secrets', namespace, secret));
    setCondition(status, 'PodReadyToStartContainers', { status: 'True' }, clock.nowMs());
    for (const container of pod.spec.initContainers ?? []) {
      const exit = await runContainer(container);
      if (exit === 'stopped' || exit.exitCode !== 0) return end(exit === 'stopped' ? [] : [exit]);
    }
    setCondition(status, 'Initialized', { status: 'True' }, clock.nowMs());
    const exits = await Promise.all(pod.spec.containers.map(runContainer));
    return end(exits.filter((exit) => exit !== 'stopped'));
  }

  async function waitForVolumes(): Promise<boolean> {
    for (;;) {
      const missing = missingVolume(pod, cluster.store);
      if (missing === null) return false;
      emitEvent(cluster, pod, {
        type: 'Warning',
        reason: 'FailedMount',
        message: `MountVolume.SetUp failed for volume "${missing.volume}" : ${missing.problem}`,
        component: 'kubelet',
      });
      if (await wait(pace.resync)) return true;
    }
  }

  async function runContainer(container: Container): Promise<ContainerExit | 'stopped'> {
    for (let attempt = 0; ; attempt += 1) {
      const image = cluster.images.get(container.image);
      if (image?.kind === 'slow' && attempt === 0 && (await wait(image.ms))) return 'stopped';
      const obstacle = containerObstacle(pod, container, cluster, attempt);
      if (obstacle === null) break;
      setContainerState(status, container.name, { waiting: obstacle });
      await publish();
      if (await wait(obstacle.isImage ? pace.imageRetry : pace.resync)) return 'stopped';
    }
    if (await wait(pace.containerStart)) return 'stopped';
    const containerID = `containerd://${randomBytes(32).toString('hex')}`;
    const log = createCriLog(clock, { rotateBytes: cluster.logRotateBytes, rotateCheckMs: cluster.logRotateCheckMs });
    logs.set(container.name, log);
    const startedAt = kubeTime(clock.nowMs());
    try {
      if (!sandbox) throw new ContainerStartError('no sandbox');
      const started = await startContainer({
        container,
        log,
        sandbox,
        env: environmentOf(pod, container, cluster.store),
        memoryLimitBytes: memoryLimitOf(container),
      });
      processes.set(container.name, started);
      return await superviseContainer(container, started, { startedAt, containerID });
    } catch (error) {
      if (!(error instanceof ContainerStartError)) throw error;
      log.end();
      const times = { startedAt: '1970-01-01T00:00:00Z', finishedAt: kubeTime(clock.nowMs()), containerID };
      setTerminated(container, { exitCode: 128, reason: 'StartError', message: error.message, ...times }, containerID);
      return { exitCode: 128, isOomKilled: false, message: error.message };
    }
  }

  async function superviseContainer(
    container: Container,
    running: ContainerProcess,
    facts: { startedAt: string; containerID: string },
  ): Promise<ContainerExit> {
    let exit: ContainerExit | null = null;
    void running.exited.then((value) => {
      exit = value;
    });
    await cluster.delay(pace.kubeletSync);
    if (exit === null) {
      status.phase = 'Running';
      status.podIP = '127.0.0.1';
      setContainerState(status, container.name, { running: { startedAt: facts.startedAt } }, facts.containerID);
      if ((status.containerStatuses ?? []).every((each) => each.ready)) {
        setCondition(status, 'Ready', { status: 'True' }, clock.nowMs());
        setCondition(status, 'ContainersReady', { status: 'True' }, clock.nowMs());
      }
      await publish();
    }
    await Promise.race([running.exited, stopped]);
    if (exit === null) await terminate(running);
    const ended = await running.exited;
    const reason = ended.isOomKilled ? 'OOMKilled' : ended.exitCode === 0 ? 'Completed' : 'Error';
    const message = ended.message === '' ? {} : { message: ended.message };
    const { startedAt, containerID } = facts;
    const finishedAt = kubeTime(clock.nowMs());
    setTerminated(container, { exitCode: ended.exitCode, reason, ...message, startedAt, finishedAt, containerID }, containerID);
    return ended;
  }

  function setTerminated(container: Container, state: NonNullable<ContainerState['terminated']>, containerID: string): void {
    setContainerState(status, container.name, { terminated: state }, containerID);
  }

  async function terminate(running: ContainerProcess): Promise<void> {
    if (order?.cause === 'deadline' || order?.cause === 'evicted') {
      setPodEnded(status, 'PodFailed', clock.nowMs());
      await publish();
    }
    running.terminate();
    const startedAt = Date.now();
    for (;;) {
      const left = startedAt + (order?.graceMs ?? 0) - Date.now();
      if (left <= 0) break;
      const ended = await Promise.race([running.exited.then(() => true), cluster.delay(Math.min(left, 50)).then(() => false)]);
      if (ended) return;
    }
    running.kill();
  }

  async function end(exits: readonly ContainerExit[]): Promise<void> {
    const isSuccess = exits.length > 0 && exits.every((exit) => exit.exitCode === 0);
    const isForced = order?.cause === 'deadline' || order?.cause === 'evicted' || order?.cause === 'shutdown';
    setPodEnded(status, isSuccess && !isForced ? 'PodCompleted' : 'PodFailed', clock.nowMs());
    await cluster.delay(pace.terminatedAfterExit);
    if (order === null) {
      await publish();
      await wait(pace.phaseAfterTerminated);
    }
    for (const container of status.containerStatuses ?? []) settleUnstarted(container.name, container.state);
    status.phase = isSuccess && !isForced ? 'Succeeded' : 'Failed';
    if (isForced && order?.reason !== undefined) status.reason = order.reason;
    if (isForced && order?.message !== undefined) status.message = order.message;
    setCondition(status, 'PodReadyToStartContainers', { status: 'False' }, clock.nowMs());
    await publish();
    sandbox?.remove();
    await confirmDeletion();
  }

  /** A Pod that is ended before its container started shows `ContainerStatusUnknown` 137 (test/golden/06a). */
  function settleUnstarted(container: string, state: ContainerState): void {
    if (state.terminated || order === null || order.cause === 'deleted') return;
    setContainerState(status, container, {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
        startedAt: '1970-01-01T00:00:00Z',
        finishedAt: '1970-01-01T00:00:00Z',
        containerID: '',
      },
    });
  }

  async function confirmDeletion(): Promise<void> {
    while (!isGone && !cluster.isClosed) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        await cluster.delay(pace.removalAfterEnd);
        await context.whenResponsive();
        cluster.store.update('pods', namespace, name, (draft) => {
          if (draft.metadata.uid === uid) draft.metadata.deletionGracePeriodSeconds = 0;
        });
        return;
      }
      await deletionOrGone();
    }
  }

  let wakeDeletion: () => void = () => {};
  function deletionOrGone(): Promise<void> {
    return new Promise((resolve) => {
      wakeDeletion = resolve;
    });
  }

  function watchDeadline(): void {
    const seconds = pod.spec.activeDeadlineSeconds;
    const startTime = status.startTime;
    if (isGone || cluster.isClosed || isPodFinished(pod) || order !== null) return;
    if (seconds !== undefined && startTime !== undefined && clock.nowMs() - Date.parse(startTime) >= seconds * 1000) {
      const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
      stop({
        cause: 'deadline',
        graceMs,
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      });
      return;
    }
    cluster.later(pace.deadlineCheck, watchDeadline);
  }

  void run().catch((error: unknown) => {
    // A bug in the simulator must not look like a Pod that takes its time.
    process.nextTick(() => {
      throw error;
    });
  });

  return {
    uid,
    podChanged(next) {
      pod = next;
      wakeDeletion();
      if (next.metadata.deletionTimestamp === undefined) return;
      void context.whenResponsive().then(() => {
        stop({ cause: 'deleted', graceMs: (next.metadata.deletionGracePeriodSeconds ?? 30) * 1000 });
      });
    },
    podGone() {
      isGone = true;
      wakeDeletion();
      stop({ cause: 'deleted', graceMs: Math.min(2000, pace.removalAfterEnd * 4) });
    },
    stop,
    log: (container) => logs.get(container),
    process: (container) => processes.get(container),
    destroy() {
      isGone = true;
      order ??= { cause: 'deleted', graceMs: 0 };
      wakeStop();
      wakeDeletion();
      for (const each of processes.values()) each.kill();
      sandbox?.remove();
    },
  };
}
