import { InternalError } from '@runbeat/adapter-sdk';

/**
 * Stands where fastify would load its compilers for JSON schemas, a fifth of its code, until `setValidatorCompiler` and
 * `setSerializerCompiler` replace it by those for zod. The build leaves fastify's own out (`tsup.config.ts`).
 */
export function noJsonSchemaCompiler(): never {
  throw new InternalError('A route of the HTTP API has a schema that is none of zod.');
}
