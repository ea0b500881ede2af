import type { Json } from '@runbeat/adapter-sdk';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { validation, type WireConfig } from '../worker/config-on-wire.js';

type ConfigSchema = StandardSchemaV1 & { readonly '~standard': Partial<StandardJSONSchemaV1['~standard']> };

/** The schema of an adapter that lives elsewhere, and how its configs are sent there. */
export interface RemoteConfig {
  readonly schema: ConfigSchema;
  /** The form in which a config that `schema` gave (or any other) is sent with a call. */
  toWire(config: unknown): WireConfig;
}

/** @param ask sends a raw config to the worker and gives its answer. */
export function createRemoteConfig(ask: (value: unknown) => Promise<unknown>, jsonSchema: Json): RemoteConfig {
  /** Stand-ins for parsed configs that stay in the worker, and the raw configs that they are parsed from again. */
  const rawConfigs = new WeakMap<object, unknown>();
  const jsonSchemaRecord =
    typeof jsonSchema === 'object' && jsonSchema !== null && !Array.isArray(jsonSchema) ? jsonSchema : null;
  return {
    schema: {
      '~standard': {
        version: 1,
        vendor: 'runbeat',
        async validate(value) {
          const answer = validation.parse(await ask(value));
          if ('issues' in answer) return { issues: answer.issues };
          if ('parsed' in answer) return { value: answer.parsed };
          if (typeof value !== 'object' || value === null) return { value };
          const standIn = structuredClone(value);
          rawConfigs.set(standIn, value);
          return { value: standIn };
        },
        ...(jsonSchemaRecord
          ? { jsonSchema: { input: () => ({ ...jsonSchemaRecord }), output: () => ({ ...jsonSchemaRecord }) } }
          : {}),
      },
    },
    toWire(config) {
      if (typeof config === 'object' && config !== null && rawConfigs.has(config)) return { raw: rawConfigs.get(config) };
      return { parsed: config };
    },
  };
}
