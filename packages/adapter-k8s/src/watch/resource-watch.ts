import { StringDecoder } from 'node:string_decoder';
import { apiErrorFromAnswer, createApiError, isApiError, isStatus, type KubernetesApiError } from '../cluster/api-error.js';
import { createBackoff } from '../cluster/backoff.js';
import type { ClusterConnection } from '../cluster/connection.js';
import type { Timings } from '../timings.js';
import type { WireList } from '../wire.js';

/** The part of an object that a watch needs. */
export interface WatchedObject {
  readonly metadata?: { readonly name?: string; readonly uid?: string; readonly resourceVersion?: string };
}

/** What a watch tells. `replaced` is a whole list: whatever it lacks is gone, or left the selector. */
export interface WatchListener<T> {
  replaced(objects: readonly T[]): void;
  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** Bytes came: the API is there and this watch is current. */
  contact(): void;
  /** The watch is broken and will be tried again; for events and metrics. */
  troubled(error: KubernetesApiError): void;
}

export interface ResourceWatchOptions<T> {
  readonly connection: ClusterConnection;
  readonly path: string;
  readonly labelSelector: string;
  readonly timings: Timings;
  readonly listener: WatchListener<T>;
}

/**
 * LIST, then WATCH, for ever, until `signal` aborts. A 410 (as a status or inside a 200), as after every restart of the API
 * server, lists anew; any other error waits with full jitter and goes on where it was. Never rejects.
 */
export async function watchResource<T extends WatchedObject>(
  options: ResourceWatchOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { listener, timings } = options;
  const backoff = createBackoff(timings);
  let resourceVersion: string | null = null;
  while (!signal.aborted) {
    try {
      if (resourceVersion === null) {
        const list: { objects: T[]; resourceVersion: string } = await listResource<T>(options, signal);
        listener.contact();
        listener.replaced(list.objects);
        resourceVersion = list.resourceVersion;
      }
      resourceVersion = await watchOnce(options, resourceVersion, signal, () => backoff.reset());
    } catch (error) {
      if (signal.aborted) return;
      if (!isApiError(error)) throw error;
      if (isStatus(error, 410)) {
        resourceVersion = null;
        continue;
      }
      // The revision may be unknown to whoever answers next (a restored or another API server): start from a list.
      if (error.kind === 'status') resourceVersion = null;
      listener.troubled(error);
      await backoff.wait(error, signal);
    }
  }
}

async function listResource<T>(
  { connection, path, labelSelector }: ResourceWatchOptions<T>,
  signal: AbortSignal,
): Promise<{ objects: T[]; resourceVersion: string }> {
  const objects: T[] = [];
  let next: string | undefined;
  let resourceVersion = '';
  do {
    const page: WireList<T> = await connection.call({
      method: 'GET',
      path,
      query: { labelSelector, limit: 500, continue: next },
      signal,
    });
    objects.push(...page.items);
    resourceVersion = page.metadata?.resourceVersion ?? '';
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return { objects, resourceVersion };
}

interface WatchLine<T> {
  readonly type?: string;
  readonly object?: T & { readonly message?: string; readonly code?: number };
}

/** One WATCH request; gives the revision to go on from when the server ended it in an orderly way. */
async function watchOnce<T extends WatchedObject>(
  options: ResourceWatchOptions<T>,
  from: string,
  signal: AbortSignal,
  onContact: () => void,
): Promise<string> {
  const { connection, path, labelSelector, timings, listener } = options;
  const { watchTimeoutMinSeconds: least, watchTimeoutMaxSeconds: most } = timings;
  const stream = await connection.stream({
    path,
    query: {
      watch: 1,
      labelSelector,
      allowWatchBookmarks: true,
      resourceVersion: from,
      // Not all watches of all servers at the same second.
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
    },
    idleMs: timings.watchIdleMs,
    signal,
  });
  let resourceVersion = from;
  let rest = '';
  const decoder = new StringDecoder('utf8');
  for await (const chunk of stream) {
    listener.contact();
    onContact();
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') resourceVersion = handleLine(line, listener) ?? resourceVersion;
    }
  }
  return resourceVersion;
}

function handleLine<T extends WatchedObject>(line: string, listener: WatchListener<T>): string | null {
  const { type, object } = parseLine<T>(line);
  if (object === undefined) return null;
  switch (type) {
    case 'ERROR':
      // An error comes inside HTTP 200.
      throw apiErrorFromAnswer(object.code ?? 500, JSON.stringify(object), undefined);
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      listener.changed(type, object);
      return object.metadata?.resourceVersion ?? null;
    case 'BOOKMARK':
      return object.metadata?.resourceVersion ?? null;
    default:
      return null;
  }
}

function parseLine<T>(line: string): WatchLine<T> {
  try {
    return JSON.parse(line) as WatchLine<T>;
  } catch (error) {
    throw createApiError({ kind: 'network', message: `A watch sent a line that is no JSON: ${line.slice(0, 80)}`, cause: error });
  }
}
