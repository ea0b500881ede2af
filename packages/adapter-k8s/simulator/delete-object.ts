import { type ApiObject, type Job, kubeTime, type Pod, RESOURCE_KINDS, type ResourceName } from './api-objects.js';
import { detailsOf, failure, notFound } from './api-status.js';
import { deletePod } from './deletion.js';
import { type ApiRequest, sendJson } from './request.js';

interface DeleteOptions {
  propagationPolicy?: string;
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** A DELETE with its preconditions and propagation policy. */
export function deleteObject(request: ApiRequest, resource: ResourceName, namespace: string, name: string): unknown {
  const { store } = request.cluster;
  const options = deleteOptions(request);
  const isOrphaning = resource === 'jobs' && options.propagationPolicy === undefined;
  const warning: Record<string, string> = isOrphaning
    ? {
        Warning:
          '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning"',
      }
    : {};
  const object = store.get(resource, namespace, name) as ApiObject | undefined;
  if (!object) throw Object.assign(notFound(resource, name), { headers: warning });
  checkPreconditions(resource, object, options);
  if (resource === 'pods') return sendJson(request.response, 200, deletePod(request.cluster, object as Pod, options));
  if (resource === 'jobs' && options.propagationPolicy !== 'Background') {
    return sendJson(request.response, 200, markJobDeleted(request, object as Job, options), warning);
  }
  store.remove(resource, namespace, name);
  sendJson(request.response, 200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...detailsOf(resource, name), uid: object.metadata.uid },
  });
}

function markJobDeleted(request: ApiRequest, job: Job, options: DeleteOptions): Job {
  const { store, later, pace } = request.cluster;
  const { namespace, name, uid } = job.metadata;
  const isForeground = options.propagationPolicy === 'Foreground';
  const marked = store.update(
    'jobs',
    namespace,
    name,
    (draft) => {
      if (draft.metadata.deletionTimestamp !== undefined) return;
      draft.metadata.deletionTimestamp = kubeTime(Date.now());
      draft.metadata.deletionGracePeriodSeconds = 0;
      draft.metadata.finalizers = [isForeground ? 'foregroundDeletion' : 'orphan'];
    },
    { isSpecChange: true },
  );
  if (!isForeground) {
    later(pace.garbageCollection, () => {
      for (const pod of store.list('pods', namespace)) {
        if (!pod.metadata.ownerReferences?.some((owner) => owner.uid === uid)) continue;
        store.update('pods', namespace, pod.metadata.name, (draft) => {
          delete draft.metadata.ownerReferences;
          delete draft.metadata.finalizers;
        });
      }
      if (store.get('jobs', namespace, name)?.metadata.uid === uid) store.remove('jobs', namespace, name);
    });
  }
  return marked ?? job;
}

function deleteOptions(request: ApiRequest): DeleteOptions {
  let body: DeleteOptions = {};
  if (request.bodyText !== '') {
    try {
      body = JSON.parse(request.bodyText) as DeleteOptions;
    } catch {
      // A broken body is a 500 on the real server too (test/golden/01d).
      throw failure({ code: 500, message: "couldn't get version/kind; json parse error" });
    }
  }
  const policy = request.query.get('propagationPolicy');
  const grace = request.query.get('gracePeriodSeconds');
  return {
    ...body,
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
  };
}

function checkPreconditions(resource: ResourceName, object: ApiObject, options: DeleteOptions): void {
  const { group, kind } = RESOURCE_KINDS[resource];
  const { uid, resourceVersion } = options.preconditions ?? {};
  const subject = `Operation cannot be fulfilled on ${group ? `${kind}.${group}` : kind} "${object.metadata.name}"`;
  const conflict = (message: string): never => {
    throw failure({
      code: 409,
      reason: 'Conflict',
      message: `${subject}: ${message}`,
      // The kind, not the plural, in this one answer.
      details: { ...detailsOf(resource, object.metadata.name), kind },
    });
  };
  if (uid !== undefined && uid !== object.metadata.uid) {
    conflict(
      `the UID in the precondition (${uid}) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
    conflict(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${object.metadata.resourceVersion}). The object might have been modified`,
    );
  }
}
