import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AdapterV1, AttachedAdapterV1, OutOfProcessAdapterV1 } from './v1/adapter-v1.js';

/** What `defineAdapter` takes: an adapter whose `Config` is whatever `configSchema` gives. */
export type AdapterDefinition<Schema extends StandardSchemaV1> = { readonly configSchema: Schema } & (
  | Omit<AttachedAdapterV1<StandardSchemaV1.InferOutput<Schema>>, 'configSchema'>
  | Omit<OutOfProcessAdapterV1<StandardSchemaV1.InferOutput<Schema>>, 'configSchema'>
);

/**
 * Called once by an adapter's module. Infers the type of `context.config` from `configSchema`, in any order of the
 * properties, and returns the very object that it was given with `Config` erased, as hosts keep it. Nothing is checked
 * at run time: `checkAdapter` does that where an adapter is registered.
 */
export function defineAdapter<Schema extends StandardSchemaV1>(definition: AdapterDefinition<Schema>): AdapterV1 {
  return definition;
}
