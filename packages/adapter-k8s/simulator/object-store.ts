import { randomUUID } from 'node:crypto';
import { type ApiObject, kubeTime, type ResourceName, type Resources } from './api-objects.js';

export interface StoreEvent<R extends ResourceName = ResourceName> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: R;
  readonly revision: number;
  readonly object: Resources[R];
  /** The object before the change: a watch with a selector needs it to tell whether it left or entered. */
  readonly previous: Resources[R] | null;
}

/** What a writer gives; the store adds uid, resourceVersion and creation time. */
export type NewObject<R extends ResourceName> = Omit<Resources[R], 'metadata'> & {
  metadata: Partial<ApiObject['metadata']> & { name: string; namespace: string };
};

/**
 * The state behind the API: every write has one revision, all kinds share the counter (as in etcd), and old revisions are
 * readable until compaction. Objects handed out are copies.
 */
export interface ObjectStore {
  readonly revision: number;
  /** The oldest revision that a watch may start from. */
  readonly oldestWatchRevision: number;
  /** The oldest revision that a list may ask for. */
  readonly oldestListRevision: number;
  /** `finish` sees the object with its uid before it is stored. */
  create<R extends ResourceName>(resource: R, object: NewObject<R>, finish?: (draft: Resources[R]) => void): Resources[R];
  get<R extends ResourceName>(resource: R, namespace: string, name: string): Resources[R] | undefined;
  list<R extends ResourceName>(resource: R, namespace: string | null): Resources[R][];
  listAt<R extends ResourceName>(resource: R, namespace: string | null, revision: number): Resources[R][];
  /** Applies `change` to a copy; no write happens (and the revision stays) when nothing changed. */
  update<R extends ResourceName>(
    resource: R,
    namespace: string,
    name: string,
    change: (draft: Resources[R]) => void,
    options?: { isSpecChange?: boolean },
  ): Resources[R] | undefined;
  /** Removes for good, whatever its finalizers say. */
  remove(resource: ResourceName, namespace: string, name: string): void;
  eventsAfter(resource: ResourceName, revision: number): StoreEvent[];
  subscribe(listener: (event: StoreEvent) => void): () => void;
  /** Watches from before this moment are too old; with `forWatchesOnly` lists of old revisions still work (API restart). */
  compact(options?: { forWatchesOnly?: boolean }): void;
}

interface Version {
  readonly revision: number;
  readonly object: ApiObject | null;
}

export function createObjectStore(now: () => number): ObjectStore {
  let revision = 2000;
  let oldestWatchRevision = 2000;
  let oldestListRevision = 2000;
  let log: StoreEvent[] = [];
  const histories = new Map<string, Version[]>();
  const listeners = new Set<(event: StoreEvent) => void>();

  const key = (resource: ResourceName, namespace: string, name: string): string => `${resource}/${namespace}/${name}`;

  function record(type: StoreEvent['type'], resource: ResourceName, object: ApiObject, previous: ApiObject | null): void {
    const id = key(resource, object.metadata.namespace, object.metadata.name);
    const history = histories.get(id) ?? [];
    history.push({ revision, object: type === 'DELETED' ? null : object });
    histories.set(id, history);
    const event = { type, resource, revision, object, previous } as StoreEvent;
    log.push(event);
    for (const listener of [...listeners]) listener(event);
  }

  function current(resource: ResourceName, namespace: string, name: string): ApiObject | null {
    return histories.get(key(resource, namespace, name))?.at(-1)?.object ?? null;
  }

  function listAt(resource: ResourceName, namespace: string | null, at: number): ApiObject[] {
    const prefix = namespace === null ? `${resource}/` : `${resource}/${namespace}/`;
    const found: ApiObject[] = [];
    for (const id of [...histories.keys()].filter((each) => each.startsWith(prefix)).sort()) {
      const version = histories.get(id)?.findLast((each) => each.revision <= at);
      if (version?.object) found.push(structuredClone(version.object));
    }
    return found;
  }

  return {
    get revision() {
      return revision;
    },
    get oldestWatchRevision() {
      return oldestWatchRevision;
    },
    get oldestListRevision() {
      return oldestListRevision;
    },
    create(resource, object, finish) {
      revision += 1;
      const { name, generateName, namespace, ...metadata } = object.metadata;
      const stored = {
        ...object,
        metadata: {
          name,
          ...(generateName === undefined ? {} : { generateName }),
          namespace,
          ...metadata,
          uid: randomUUID(),
          resourceVersion: String(revision),
          creationTimestamp: kubeTime(now()),
        },
      } as ApiObject;
      finish?.(stored as Resources[typeof resource]);
      record('ADDED', resource, stored, null);
      return structuredClone(stored) as Resources[typeof resource];
    },
    get(resource, namespace, name) {
      const object = current(resource, namespace, name);
      return object === null ? undefined : (structuredClone(object) as Resources[typeof resource]);
    },
    list: (resource, namespace) => listAt(resource, namespace, revision) as Resources[typeof resource][],
    listAt: (resource, namespace, at) => listAt(resource, namespace, at) as Resources[typeof resource][],
    update(resource, namespace, name, change, options = {}) {
      const before = current(resource, namespace, name);
      if (before === null) return undefined;
      const draft = structuredClone(before) as Resources[typeof resource];
      change(draft);
      if (JSON.stringify(draft) === JSON.stringify(before)) return draft;
      revision += 1;
      draft.metadata.resourceVersion = String(revision);
      if (options.isSpecChange && draft.metadata.generation !== undefined) draft.metadata.generation += 1;
      record('MODIFIED', resource, draft, before);
      return structuredClone(draft);
    },
    remove(resource, namespace, name) {
      const before = current(resource, namespace, name);
      if (before === null) return;
      revision += 1;
      const last = structuredClone(before);
      last.metadata.resourceVersion = String(revision);
      record('DELETED', resource, last, before);
    },
    eventsAfter: (resource, after) => log.filter((event) => event.resource === resource && event.revision > after),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    compact(options = {}) {
      log = [];
      oldestWatchRevision = options.forWatchesOnly ? revision + 1 : revision;
      if (options.forWatchesOnly) return;
      oldestListRevision = revision;
      for (const [id, history] of histories) {
        const last = history.at(-1);
        if (!last || last.object === null) histories.delete(id);
        else histories.set(id, [last]);
      }
    },
  };
}
