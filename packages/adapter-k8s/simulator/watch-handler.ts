import { type ApiObject, RESOURCE_KINDS, type ResourceName } from './api-objects.js';
import { badRequest, failure, tooOld } from './api-status.js';
import { selectionOf } from './list-objects.js';
import type { StoreEvent } from './object-store.js';
import { type ApiRequest, encodeJson } from './request.js';

/** Open watches, so that tests can end them and benchmarks can count them. */
export interface WatchRegistry {
  readonly count: number;
  add(end: () => void): () => void;
  endAll(): void;
}

export function createWatchRegistry(): WatchRegistry {
  const ends = new Set<() => void>();
  return {
    get count() {
      return ends.size;
    },
    add(end) {
      ends.add(end);
      return () => ends.delete(end);
    },
    endAll() {
      for (const end of [...ends]) end();
    },
  };
}

/** WATCH as test/golden/08a shows it: one event a line and a chunk, bookmarks, 410 inside a 200, a clean end at the time-out. */
export function handleWatch(request: ApiRequest, resource: ResourceName, registry: WatchRegistry): void {
  const { cluster, query, response } = request;
  const { store } = cluster;
  const selects = selectionOf(request, resource);
  const asked = query.get('resourceVersion') ?? '';
  const timeoutText = query.get('timeoutSeconds') ?? '';
  if (!/^\d*$/.test(asked)) {
    // 500, not 400: only a LIST checks it properly.
    throw failure({ code: 500, message: `strconv.ParseUint: parsing "${asked}": invalid syntax` });
  }
  if (!/^\d*$/.test(timeoutText)) throw badRequest(`strconv.ParseInt: parsing "${timeoutText}": invalid syntax`);
  const timeoutMs = (Number(timeoutText) || 1800) * 1000;

  response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json' });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    if (!response.writableEnded) response.write(encodeJson({ type, object }));
  };
  const from = Number(asked);
  if (asked !== '' && from !== 0 && from < store.oldestWatchRevision) {
    send('ERROR', tooOld(from, store.oldestWatchRevision));
    response.end();
    return;
  }

  const deliver = (event: StoreEvent): void => {
    if (event.resource !== resource || event.revision <= from) return;
    if (request.namespace !== null && event.object.metadata.namespace !== request.namespace) return;
    const planned = plannedEvent(event, selects);
    if (planned) send(planned.type, planned.object);
  };
  if (asked === '' || from === 0) {
    for (const object of store.list(resource, request.namespace)) if (selects(object)) send('ADDED', object);
  } else {
    for (const event of store.eventsAfter(resource, from)) deliver(event);
  }
  const unsubscribe = store.subscribe(deliver);
  const bookmark = (): void => send('BOOKMARK', emptyShell(resource, store.revision));
  const hasBookmarks = query.get('allowWatchBookmarks') === 'true';
  const timers = [
    setTimeout(() => finish(), timeoutMs),
    ...(hasBookmarks ? [setInterval(bookmark, cluster.pace.bookmark), setTimeout(bookmark, Math.max(0, timeoutMs - 2000))] : []),
  ];
  const finish = (): void => {
    cleanUp();
    response.end();
  };
  const unregister = registry.add(finish);
  function cleanUp(): void {
    unsubscribe();
    unregister();
    for (const timer of timers) clearTimeout(timer);
  }
  response.on('close', cleanUp);
}

/** Into the selector = ADDED; out of it = DELETED with the old labels and the new revision. */
function plannedEvent(
  event: StoreEvent,
  selects: (object: ApiObject) => boolean,
): { type: StoreEvent['type']; object: ApiObject } | null {
  const isIn = event.type !== 'DELETED' && selects(event.object);
  const wasIn = event.previous !== null && selects(event.previous);
  if (event.type === 'DELETED') return wasIn ? { type: 'DELETED', object: event.object } : null;
  if (isIn) return { type: wasIn ? 'MODIFIED' : 'ADDED', object: event.object };
  if (!wasIn || event.previous === null) return null;
  const left = structuredClone(event.previous as ApiObject);
  left.metadata.resourceVersion = String(event.revision);
  return { type: 'DELETED', object: left };
}

function emptyShell(resource: ResourceName, revision: number): unknown {
  const { kind, apiVersion } = RESOURCE_KINDS[resource];
  const spec = resource === 'jobs' ? { template: { metadata: {}, spec: { containers: null } } } : { containers: null };
  return { kind, apiVersion, metadata: { resourceVersion: String(revision) }, spec, status: {} };
}
