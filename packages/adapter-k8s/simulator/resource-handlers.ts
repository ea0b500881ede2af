import type { ResourceName } from './api-objects.js';
import { methodNotAllowed, notFound, tooLarge } from './api-status.js';
import { createObject } from './create-object.js';
import { deleteObject } from './delete-object.js';
import { listObjects } from './list-objects.js';
import { patchObject } from './patch-object.js';
import { type ApiRequest, sendJson } from './request.js';

export function handleCollection(request: ApiRequest, resource: ResourceName): unknown {
  if (request.method === 'GET') return listObjects(request, resource);
  if (request.method === 'POST' && request.namespace !== null) return createObject(request, resource, request.namespace);
  throw methodNotAllowed();
}

export async function handleObject(
  request: ApiRequest,
  resource: ResourceName,
  namespace: string,
  name: string,
): Promise<unknown> {
  if (request.method === 'GET') return get(request, resource, namespace, name);
  if (request.method === 'PATCH') return patchObject(request, resource, namespace, name);
  if (request.method === 'DELETE') return deleteObject(request, resource, namespace, name);
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
