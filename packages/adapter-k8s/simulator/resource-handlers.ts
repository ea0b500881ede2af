import { randomBytes } from 'node:crypto';
import { validateJob } from './admission.js';
import { type ApiObject, type Job, kubeTime, type Pod, RESOURCE_KINDS, type ResourceName, type Secret } from './api-objects.js';
import {
  alreadyExists,
  badRequest,
  detailsOf,
  failure,
  invalid,
  methodNotAllowed,
  modifiedMeanwhile,
  notFound,
  tooLarge,
} from './api-status.js';
import { addJobIdentity, withJobDefaults } from './defaults.js';
import { deletePod } from './deletion.js';
import type { NewObject } from './object-store.js';
import { applyJsonPatch, applyMergePatch } from './patches.js';
import { type ApiRequest, sendJson } from './request.js';
import { type Matches, parseFieldSelector, parseLabelSelector } from './selectors.js';

/** The selectors of a list or watch as one test. */
export function selectionOf(request: ApiRequest, resource: ResourceName): Matches {
  const label = parseLabelSelector(request.query.get('labelSelector') ?? '');
  const field = parseFieldSelector(request.query.get('fieldSelector') ?? '', RESOURCE_KINDS[resource].kind);
  return (object) => label(object) && field(object);
}

export function handleCollection(request: ApiRequest, resource: ResourceName): unknown {
  if (request.method === 'GET') return list(request, resource);
  if (request.method === 'POST' && request.namespace !== null) return create(request, resource, request.namespace);
  throw methodNotAllowed();
}

export async function handleObject(
  request: ApiRequest,
  resource: ResourceName,
  namespace: string,
  name: string,
): Promise<unknown> {
  if (request.method === 'GET') return get(request, resource, namespace, name);
  if (request.method === 'PATCH') return patch(request, resource, namespace, name);
  if (request.method === 'DELETE') return remove(request, resource, namespace, name);
  throw methodNotAllowed();
}

async function get(request: ApiRequest, resource: ResourceName, namespace: string, name: string): Promise<void> {
  await checkRevision(request);
  const object = request.cluster.store.get(resource, namespace, name);
  if (!object) throw notFound(resource, name);
  sendJson(request.response, 200, object);
}

/** A revision of the future is waited for 3 s, then 504 (test/golden/08b). */
async function checkRevision(request: ApiRequest): Promise<void> {
  const asked = request.query.get('resourceVersion');
  if (asked === null || asked === '' || Number(asked) <= request.cluster.store.revision) return;
  await request.cluster.delay(3000);
  if (Number(asked) > request.cluster.store.revision) throw tooLarge(asked, request.cluster.store.revision);
}

interface ContinueToken {
  readonly v: string;
  readonly rv: number;
  readonly start: string;
}

function list(request: ApiRequest, resource: ResourceName): void {
  const { store } = request.cluster;
  const selects = selectionOf(request, resource);
  const limit = wholeNumber(request.query.get('limit'));
  const token = request.query.get('continue');
  const asked = request.query.get('resourceVersion');
  if (token && asked && asked !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  if (asked !== null && !/^\d*$/.test(asked)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${asked}": strconv.ParseUint: parsing "${asked}": invalid syntax`,
    );
  }
  const from = token ? decodeToken(token) : { rv: store.revision, start: '' };
  if (from.rv > 0 && from.rv < store.oldestListRevision) {
    throw failure({
      code: 410,
      reason: 'Expired',
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
      continueToken: encodeToken({ v: 'meta.k8s.io/v1', rv: -1, start: from.start }),
    });
  }
  const revision = from.rv > 0 ? from.rv : store.revision;
  const start = from.start.replace(/^\//, '').split('\u0000').join('');
  const all = (store.listAt(resource, request.namespace, revision) as ApiObject[]).filter(selects);
  const rest = all.filter((object) => start === '' || object.metadata.name > start);
  const page = limit > 0 && asked !== '0' ? rest.slice(0, limit) : rest;
  const last = page.at(-1);
  const hasMore = page.length < rest.length && last !== undefined;
  const isSelective = request.query.has('labelSelector') || request.query.has('fieldSelector');
  const { kind, apiVersion } = RESOURCE_KINDS[resource];
  sendJson(request.response, 200, {
    kind: `${kind}List`,
    apiVersion,
    metadata: {
      resourceVersion: String(revision),
      ...(hasMore ? { continue: encodeToken({ v: 'meta.k8s.io/v1', rv: revision, start: `/${last.metadata.name}\u0000` }) } : {}),
      ...(hasMore && !isSelective ? { remainingItemCount: rest.length - page.length } : {}),
    },
    // Items carry neither kind nor apiVersion.
    items: page.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
  });
}

function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function decodeToken(text: string): ContinueToken {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as ContinueToken;
  } catch {
    throw badRequest(
      "invalid continue token: continue key is not valid: invalid character '\\u0081' looking for beginning of value",
    );
  }
}

function wholeNumber(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}

function create(request: ApiRequest, resource: ResourceName, namespace: string): unknown {
  const { store } = request.cluster;
  const { kind, apiVersion } = RESOURCE_KINDS[resource];
  const contentType = request.raw.headers['content-type'] ?? '';
  if (!/json|yaml/.test(contentType)) {
    throw failure({
      code: 415,
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  }
  const body = parseBody(request.bodyText, kind);
  if (body.kind !== undefined && body.kind !== kind) {
    throw badRequest(
      `${body.kind} in version "v1" cannot be handled as a ${kind}: converting (v1.${body.kind}) to (${resource === 'jobs' ? 'batch' : 'core'}.${kind}): unknown conversion`,
    );
  }
  if (body.metadata?.namespace !== undefined && body.metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const name =
    body.metadata?.name ??
    (body.metadata?.generateName ? `${body.metadata.generateName}${randomBytes(3).toString('hex').slice(0, 5)}` : '');
  const object = { ...body, kind, apiVersion, metadata: { ...body.metadata, name, namespace } } as unknown as ApiObject;
  if (resource === 'jobs') validateJob(object as Job);
  if (resource === 'secrets') validateSecret(object as Secret);
  const existing = store.get(resource, namespace, name);
  if (existing) throw alreadyExists(resource, name, existing.metadata.deletionTimestamp !== undefined);
  if (request.query.get('dryRun') === 'All') return sendJson(request.response, 201, prepared(resource, object));
  const created = store.create(resource, prepared(resource, object), (draft) => {
    if (resource === 'jobs') addJobIdentity(draft as Job);
  });
  sendJson(request.response, 201, created);
}

function parseBody(text: string, kind: string): Partial<ApiObject> {
  const complain = (shown: string): never => {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${shown})`,
    );
  };
  if (text === '') return complain('<empty>');
  try {
    return JSON.parse(text) as Partial<ApiObject>;
  } catch {
    return complain(`${text.slice(0, 30)} ...`);
  }
}

function prepared(resource: ResourceName, object: ApiObject): NewObject<ResourceName> {
  if (resource === 'jobs') {
    const job = object as Job;
    return {
      ...job,
      metadata: { ...job.metadata, generation: 1 },
      spec: withJobDefaults(job.spec),
      status: {},
    } as NewObject<'jobs'>;
  }
  if (resource === 'secrets') {
    const { stringData, ...secret } = object as Secret & { stringData?: Record<string, string> };
    const encoded = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    return { type: 'Opaque', ...secret, data: { ...secret.data, ...Object.fromEntries(encoded) } } as NewObject<'secrets'>;
  }
  return object as NewObject<ResourceName>;
}

function validateSecret(secret: Secret & { stringData?: Record<string, string> }): void {
  const what = { kind: 'Secret', name: secret.metadata.name };
  for (const owner of secret.metadata.ownerReferences ?? []) {
    if (owner.uid !== '') continue;
    const message = 'Invalid value: "": must not be empty';
    throw invalid(what, [{ reason: 'FieldValueInvalid', message, field: 'metadata.ownerReferences.uid' }]);
  }
  const plain = Object.values(secret.stringData ?? {}).reduce((total, value) => total + Buffer.byteLength(value), 0);
  const encoded = Object.values(secret.data ?? {}).reduce((total, value) => total + Buffer.byteLength(value, 'base64'), 0);
  if (plain + encoded > 1_048_576) {
    const message = 'Too long: may not be more than 1048576 bytes';
    throw invalid(what, [{ reason: 'FieldValueTooLong', message, field: 'data' }]);
  }
}

function patch(request: ApiRequest, resource: ResourceName, namespace: string, name: string): void {
  const { store } = request.cluster;
  const type = (request.raw.headers['content-type'] ?? '').split(';')[0]?.trim();
  if (type === 'application/json' || !type?.endsWith('patch+json')) {
    throw failure({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} });
  }
  const before = store.get(resource, namespace, name) as ApiObject | undefined;
  if (!before) throw notFound(resource, name);
  const change = type === 'application/json-patch+json' ? applyJsonPatch : applyMergePatch;
  const after = change(before as unknown as Record<string, unknown>, request.bodyText) as unknown as ApiObject;
  const { group, kind } = RESOURCE_KINDS[resource];
  if (after.metadata.uid !== before.metadata.uid) {
    const message = `Invalid value: "${after.metadata.uid}": field is immutable`;
    throw invalid({ kind, group, name }, [{ reason: 'FieldValueInvalid', message, field: 'metadata.uid' }]);
  }
  if (after.metadata.resourceVersion !== before.metadata.resourceVersion) throw modifiedMeanwhile(resource, name);
  if (resource === 'pods') validatePodUpdate(before as Pod, after as Pod);
  if (resource === 'jobs') validateJobUpdate(before as Job, after as Job);
  if (resource === 'secrets') validateSecretUpdate(before as Secret, after as Secret);
  const isSpecChange = JSON.stringify((before as Pod).spec) !== JSON.stringify((after as Pod).spec);
  const updated = store.update(resource, namespace, name, (draft) => Object.assign(draft, after), { isSpecChange });
  sendJson(request.response, 200, updated);
}

function validatePodUpdate(before: Pod, after: Pod): void {
  const what = { kind: 'Pod', name: before.metadata.name };
  const refuse = (message: string): never => {
    throw invalid(what, [{ reason: 'FieldValueInvalid', message, field: 'spec.activeDeadlineSeconds' }]);
  };
  const { activeDeadlineSeconds: old, ...oldSpec } = before.spec;
  const { activeDeadlineSeconds: next, ...nextSpec } = after.spec;
  if (JSON.stringify(oldSpec) !== JSON.stringify(nextSpec)) {
    const message =
      'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)';
    throw invalid(what, [{ reason: 'FieldValueForbidden', message, field: 'spec' }]);
  }
  if (next === undefined || next === null) {
    if (old !== undefined) refuse('Invalid value: null: must not update from a positive integer to nil value');
    return;
  }
  if (next < 1) refuse(`Invalid value: ${next}: must be between 1 and 2147483647, inclusive`);
  if (old !== undefined && next > old) refuse(`Invalid value: ${next}: must be less than or equal to previous value`);
}

function validateJobUpdate(before: Job, after: Job): void {
  if (JSON.stringify(before.spec.template) === JSON.stringify(after.spec.template)) return;
  throw invalid({ kind: 'Job', group: 'batch', name: before.metadata.name }, [
    { reason: 'FieldValueInvalid', message: 'Invalid value: {}: field is immutable', field: 'spec.template' },
  ]);
}

function validateSecretUpdate(before: Secret, after: Secret): void {
  const hasStringData = (after as { stringData?: unknown }).stringData !== undefined;
  if (!before.immutable || (!hasStringData && JSON.stringify(before.data) === JSON.stringify(after.data))) return;
  throw invalid({ kind: 'Secret', name: before.metadata.name }, [
    {
      reason: 'FieldValueForbidden',
      message: 'Forbidden: field is immutable when `immutable` is set',
      field: 'data',
    },
  ]);
}

interface DeleteOptions {
  propagationPolicy?: string;
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

function remove(request: ApiRequest, resource: ResourceName, namespace: string, name: string): unknown {
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
