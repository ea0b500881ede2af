import { createCriLog } from '../simulator/cri-log.js';
import type { Simulator } from '../simulator/index.js';
import type { WirePod } from '../src/wire.js';

/** A Pod whose container is no process: a test writes its log, so that thousands of runs are affordable. */
export interface ScriptedPod {
  readonly wirePod: WirePod;
  write(bytes: Buffer): void;
  /** Rotates when the file is larger than asked; false = it was not. */
  rotateWhenLarge(): boolean;
  readonly isFollowedClosely: boolean;
  end(): void;
  remove(): void;
}

export function createScriptedPod(simulator: Simulator, name: string, rotateBytes: number): ScriptedPod {
  const { store, namespace, kubelet, clock } = simulator;
  const log = createCriLog(clock, { rotateBytes: Number.POSITIVE_INFINITY, rotateCheckMs: 0 });
  const pod = store.create('pods', {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace },
    spec: { nodeName: 'node-1', containers: [{ name: 'work', image: 'node:20' }] },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'work',
          state: { running: { startedAt: new Date().toISOString() } },
          lastState: {},
          ready: true,
          restartCount: 0,
          image: 'node:20',
          imageID: '',
          containerID: `containerd://${name}`,
          started: true,
        },
      ],
    },
  });
  kubelet.adopt(pod.metadata.uid, (container) => (container === 'work' ? log : undefined));
  return {
    wirePod: pod as unknown as WirePod,
    write: (bytes) => log.write('stdout', bytes),
    rotateWhenLarge() {
      const isLarge = log.current.bytes > rotateBytes;
      if (isLarge) log.rotate();
      return isLarge;
    },
    get isFollowedClosely() {
      return log.isFollowedClosely;
    },
    end: () => log.end(),
    remove: () => {
      kubelet.forget(pod.metadata.uid);
      store.remove('pods', namespace, name);
    },
  };
}
