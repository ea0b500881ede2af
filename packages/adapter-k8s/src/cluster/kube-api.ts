import type { WireEvent, WireJob, WireList, WirePod, WireSecret } from '../wire.js';
import type { ClusterConnection } from './connection.js';

export interface CallContext {
  readonly signal?: AbortSignal;
  readonly isFresh?: boolean;
}

export interface DeleteOptions extends CallContext {
  readonly propagationPolicy?: 'Background' | 'Foreground';
  readonly gracePeriodSeconds?: number;
  /** Deletes only this object, not a later one of the same name. */
  readonly uid?: string;
}

/** The calls that the adapter makes, in one namespace. Each corresponds to a rule of the Role in docs/kubernetes.md. */
export interface KubeApi {
  readonly namespace: string;
  createJob(job: WireJob, context?: CallContext & { isDryRun?: boolean }): Promise<WireJob>;
  getJob(name: string, context?: CallContext): Promise<WireJob>;
  listJobs(labelSelector: string, context?: CallContext): Promise<WireJob[]>;
  patchJob(name: string, patch: object, context?: CallContext): Promise<WireJob>;
  deleteJob(name: string, options: DeleteOptions): Promise<void>;
  getPod(name: string, context?: CallContext): Promise<WirePod>;
  listPods(labelSelector: string, context?: CallContext): Promise<WirePod[]>;
  patchPod(name: string, patch: object, context?: CallContext): Promise<WirePod>;
  deletePod(name: string, options: DeleteOptions): Promise<void>;
  createSecret(secret: WireSecret, context?: CallContext): Promise<WireSecret>;
  deleteSecret(name: string, options: DeleteOptions): Promise<void>;
  /** Events about one object, by its uid. */
  listEvents(involvedUid: string, context?: CallContext): Promise<WireEvent[]>;
  jobsPath(): string;
  podsPath(): string;
  logPath(pod: string): string;
}

const pageLimit = 500;

export function createKubeApi(connection: ClusterConnection, namespace: string): KubeApi {
  const jobs = `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`;
  const core = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const at = (path: string, name: string): string => `${path}/${encodeURIComponent(name)}`;
  const contentType = 'application/merge-patch+json';

  async function listAll<T>(path: string, query: Record<string, string>, context: CallContext = {}): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const page: WireList<T> = await connection.call({
        method: 'GET',
        path,
        query: { ...query, limit: pageLimit, continue: next },
        ...context,
      });
      items.push(...page.items);
      next = page.metadata?.continue || undefined;
    } while (next !== undefined);
    return items;
  }

  async function remove(path: string, options: DeleteOptions): Promise<void> {
    const { propagationPolicy, gracePeriodSeconds, uid, ...context } = options;
    await connection.call({
      method: 'DELETE',
      path,
      body: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      },
      ...context,
    });
  }

  return {
    namespace,
    createJob: (body, { isDryRun = false, ...context } = {}) =>
      connection.call({ method: 'POST', path: jobs, body, ...(isDryRun ? { query: { dryRun: 'All' } } : {}), ...context }),
    getJob: (name, context = {}) => connection.call({ method: 'GET', path: at(jobs, name), ...context }),
    listJobs: (labelSelector, context) => listAll(jobs, { labelSelector }, context),
    patchJob: (name, body, context = {}) =>
      connection.call({ method: 'PATCH', path: at(jobs, name), body, contentType, ...context }),
    deleteJob: (name, options) => remove(at(jobs, name), options),
    getPod: (name, context = {}) => connection.call({ method: 'GET', path: at(`${core}/pods`, name), ...context }),
    listPods: (labelSelector, context) => listAll(`${core}/pods`, { labelSelector }, context),
    patchPod: (name, body, context = {}) =>
      connection.call({ method: 'PATCH', path: at(`${core}/pods`, name), body, contentType, ...context }),
    deletePod: (name, options) => remove(at(`${core}/pods`, name), options),
    createSecret: (body, context = {}) => connection.call({ method: 'POST', path: `${core}/secrets`, body, ...context }),
    deleteSecret: (name, options) => remove(at(`${core}/secrets`, name), options),
    listEvents: (involvedUid, context) =>
      listAll(`${core}/events`, { fieldSelector: `involvedObject.uid=${involvedUid}` }, context),
    jobsPath: () => jobs,
    podsPath: () => `${core}/pods`,
    logPath: (pod) => `${at(`${core}/pods`, pod)}/log`,
  };
}
