import type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import type { AdapterV1 } from './v1/adapter-v1.js';
import type { Json } from './v1/json.js';

/**
 * The JSON Schema (draft 2020-12) of what a user may write as config, for forms and documentation. Null when the
 * schema's library cannot give one, or not for this schema (a transformation has no JSON form).
 */
export function configJsonSchema(adapter: Pick<AdapterV1, 'configSchema'>): Json {
  const standard = adapter.configSchema['~standard'] as Partial<StandardJSONSchemaV1['~standard']>;
  if (typeof standard.jsonSchema?.input !== 'function') return null;
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12' }) as Json;
  } catch {
    // The specification lets a converter throw for what it cannot express; that is an answer, not a failure.
    return null;
  }
}
