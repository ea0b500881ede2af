import swagger from '@fastify/swagger';
import Fastify, { type RouteOptions } from 'fastify';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import { noJsonSchemaCompiler } from '../no-json-schema-compiler.js';

/** The document of these routes, by a second, deaf server that has them too: whoever asks for no document pays for none. */
export async function makeDocument(routes: readonly RouteOptions[], version: string): Promise<OpenAPIV3_1.Document> {
  // The compilers are given at once, as in `http-server.ts`: fastify's own are not part of the build.
  const app = Fastify({
    exposeHeadRoutes: false,
    schemaController: { compilersFactory: { buildValidator: noJsonSchemaCompiler, buildSerializer: noJsonSchemaCompiler } },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Runbeat',
        version,
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
  await app.register(async (scope) => {
    for (const { method, url, schema } of routes) scope.route({ method, url, schema: schema ?? {}, handler: async () => null });
  });
  await app.ready();
  return app.swagger() as OpenAPIV3_1.Document;
}
