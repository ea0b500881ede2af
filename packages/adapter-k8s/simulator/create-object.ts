import { randomBytes } from 'node:crypto';
import { validateJob } from './admission.js';
import { type ApiObject, type Job, RESOURCE_KINDS, type ResourceName, type Secret } from './api-objects.js';
import { alreadyExists, badRequest, failure, invalid } from './api-status.js';
import { addJobIdentity, withJobDefaults } from './defaults.js';
import type { NewObject } from './object-store.js';
import { type ApiRequest, sendJson } from './request.js';

/** A POST: parsed, validated, given its defaults, and stored unless it is a dry run. */
export function createObject(request: ApiRequest, resource: ResourceName, namespace: string): unknown {
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
