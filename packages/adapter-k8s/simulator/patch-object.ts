import { type ApiObject, type Job, type Pod, RESOURCE_KINDS, type ResourceName, type Secret } from './api-objects.js';
import { failure, invalid, modifiedMeanwhile, notFound } from './api-status.js';
import { applyJsonPatch, applyMergePatch } from './patches.js';
import { type ApiRequest, sendJson } from './request.js';

/** A PATCH (JSON or merge), with what may not change in each kind of object. */
export function patchObject(request: ApiRequest, resource: ResourceName, namespace: string, name: string): void {
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
