import swagger from '@fastify/swagger';
import { problemContentType, problemSchema, serverMessageSchema } from '@runbeat/protocol';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import type { HttpApp, ServerServices } from '../services.js';
import { completeDocument } from './complete-document.js';
import { renderReferencePage } from './render-reference-page.js';

/** `/api/openapi.json` from the routes' own schemas, and `/api/docs`, a page made from it. Register before the routes. */
export async function installApiDocuments(app: HttpApp, services: Pick<ServerServices, 'instance'>): Promise<void> {
  // Named here though no route answers with them as such: every refusal is the one, every live stream carries the other.
  z.globalRegistry.add(problemSchema, { id: 'Problem' });
  z.globalRegistry.add(serverMessageSchema, { id: 'ServerMessage' });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Runbeat',
        version: services.instance.version,
        description:
          'Runs agents behind one adapter contract. Refusals are RFC 9457 problem documents with a stable `code`. Lists page by `cursor`.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key (`rb_…`) or the token of a run.' },
        },
      },
    },
    transform: createJsonSchemaTransform({}),
    transformObject: createJsonSchemaTransformObject({}),
  });
  const document = memoised(() => completeDocument(app.swagger() as OpenAPIV3_1.Document, problemContentType));
  const page = memoised(() => renderReferencePage(document()));
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: { access: 'open' },
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(document())),
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
        .send(page()),
  });
}

function memoised<Value>(make: () => Value): () => Value {
  let value: { readonly made: Value } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}
