import { problemContentType, problemSchema, serverMessageSchema } from '@runbeat/protocol';
import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import type { HttpApp, ServerServices } from '../services.js';
import { completeDocument } from './complete-document.js';
import { renderReferencePage } from './render-reference-page.js';

/** `/api/openapi.json` from the routes' own schemas, and `/api/docs`, a page made from it. Register before the routes. */
export function installApiDocuments(app: HttpApp, services: Pick<ServerServices, 'instance'>): void {
  // Named here though no route answers with them as such: every refusal is the one, every live stream carries the other.
  z.globalRegistry.add(problemSchema, { id: 'Problem' });
  z.globalRegistry.add(serverMessageSchema, { id: 'ServerMessage' });
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') routes.push(route);
  });
  const document = memoised(async () => {
    const { makeDocument } = await import('./make-document.js');
    return completeDocument(await makeDocument(routes, services.instance.version), problemContentType);
  });
  const page = memoised(async () => renderReferencePage(await document()));
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: { access: 'open' },
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(await document())),
  });
  app.route({
    method: 'GET',
    url: '/api/docs',
    config: { access: 'open' },
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        .send(await page()),
  });
}

function memoised<Value>(make: () => Value): () => Value {
  let value: { readonly made: Value } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}
