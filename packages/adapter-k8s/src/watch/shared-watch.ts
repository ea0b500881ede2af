import type { KubernetesApiError } from '../cluster/api-error.js';
import type { ClusterConnection } from '../cluster/connection.js';
import type { KubeApi } from '../cluster/kube-api.js';
import type { Timings } from '../timings.js';
import type { WireJob, WirePod } from '../wire.js';
import { type WatchedObject, watchResource } from './resource-watch.js';

/** What the watches know of one run's Job. */
export interface JobNews {
  /** Null = not in the last list, or deleted: a hint, to be confirmed by asking for it. */
  readonly job: WireJob | null;
  readonly pods: readonly WirePod[];
  /** False until both lists have come: an absence means nothing before. */
  readonly isSynced: boolean;
  /** When either watch last had bytes from the server; 0 = never. */
  readonly lastContactAt: number;
}

export interface JobSubscription {
  news(): JobNews;
  /** Puts in what a GET told, so that everybody sees the newest. */
  learn(facts: { job?: WireJob | null; pods?: readonly WirePod[] }): void;
  release(): void;
}

/** One Pod watch and one Job watch for all runs of an instance in a namespace; they run while anybody subscribes. */
export interface SharedWatch {
  subscribe(jobName: string, onNews: () => void): JobSubscription;
  /** Every Job that the watch knows; for the orphan sweep. Null until the list came. */
  knownJobs(): readonly WireJob[] | null;
}

export interface SharedWatchOptions {
  readonly connection: ClusterConnection;
  readonly api: KubeApi;
  readonly labelSelector: string;
  readonly timings: Timings;
  readonly now: () => number;
  readonly onTrouble: (error: KubernetesApiError) => void;
}

export function createSharedWatch(options: SharedWatchOptions): SharedWatch {
  const { connection, api, labelSelector, timings, now, onTrouble } = options;
  const jobs = createCache<WireJob>((job) => job.metadata?.name);
  const pods = createCache<WirePod>(jobNameOf);
  const listeners = new Map<string, Set<() => void>>();
  let controller: AbortController | null = null;
  let lastContactAt = 0;

  function tell(jobNames: Iterable<string>): void {
    for (const name of jobNames) for (const listener of [...(listeners.get(name) ?? [])]) listener();
  }

  function start(): void {
    controller = new AbortController();
    const { signal } = controller;
    const run = <T extends WatchedObject>(path: string, cache: Cache<T>): Promise<void> =>
      watchResource<T>(
        {
          connection,
          path,
          labelSelector,
          timings,
          listener: {
            replaced(objects) {
              cache.replace(objects);
              tell(listeners.keys());
            },
            changed(type, object) {
              tell(cache.apply(type, object));
            },
            contact() {
              lastContactAt = now();
            },
            troubled: onTrouble,
          },
        },
        signal,
      );
    // A bug in here must be seen; the loops themselves never reject.
    void Promise.all([run(api.jobsPath(), jobs), run(api.podsPath(), pods)]);
  }

  function stop(): void {
    controller?.abort();
    controller = null;
    jobs.clear();
    pods.clear();
  }

  return {
    subscribe(jobName, onNews) {
      const mine = listeners.get(jobName) ?? new Set();
      mine.add(onNews);
      listeners.set(jobName, mine);
      if (controller === null) start();
      let isReleased = false;
      return {
        news: () => ({
          job: jobs.of(jobName)[0] ?? null,
          pods: pods.of(jobName),
          isSynced: jobs.isSynced && pods.isSynced,
          lastContactAt,
        }),
        learn({ job, pods: found }) {
          if (job !== undefined) jobs.put(jobName, job === null ? [] : [job]);
          if (found !== undefined) pods.put(jobName, found);
        },
        release() {
          if (isReleased) return;
          isReleased = true;
          mine.delete(onNews);
          if (mine.size === 0 && listeners.get(jobName) === mine) listeners.delete(jobName);
          if (listeners.size === 0) stop();
        },
      };
    },
    knownJobs: () => (jobs.isSynced ? jobs.all() : null),
  };
}

function jobNameOf(pod: WirePod): string | undefined {
  const labels = pod.metadata?.labels ?? {};
  return labels['batch.kubernetes.io/job-name'] ?? labels['job-name'];
}

interface Cache<T> {
  readonly isSynced: boolean;
  of(jobName: string): T[];
  all(): T[];
  put(jobName: string, objects: readonly T[]): void;
  replace(objects: readonly T[]): void;
  /** Gives the names of the Jobs that it concerns. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): string[];
  clear(): void;
}

/** Objects by the Job they belong to, then by uid. */
function createCache<T extends WatchedObject>(jobOf: (object: T) => string | undefined): Cache<T> {
  let byJob = new Map<string, Map<string, T>>();
  let isSynced = false;
  const add = (object: T): string | undefined => {
    const name = jobOf(object);
    if (name === undefined) return undefined;
    const mine = byJob.get(name) ?? new Map<string, T>();
    mine.set(object.metadata?.uid ?? '', object);
    byJob.set(name, mine);
    return name;
  };
  return {
    get isSynced() {
      return isSynced;
    },
    of: (jobName) => [...(byJob.get(jobName)?.values() ?? [])],
    all: () => [...byJob.values()].flatMap((mine) => [...mine.values()]),
    put(jobName, objects) {
      byJob.delete(jobName);
      for (const object of objects) add(object);
    },
    replace(objects) {
      byJob = new Map();
      for (const object of objects) add(object);
      isSynced = true;
    },
    apply(type, object) {
      if (type !== 'DELETED') return [add(object)].filter((name) => name !== undefined);
      const name = jobOf(object);
      if (name === undefined) return [];
      const mine = byJob.get(name);
      mine?.delete(object.metadata?.uid ?? '');
      if (mine?.size === 0) byJob.delete(name);
      return [name];
    },
    clear() {
      byJob = new Map();
      isSynced = false;
    },
  };
}
