import type { InteractiveProtocolV1, Json } from '@runbeat/adapter-sdk';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { validation, type WireConfig } from '../worker/config-on-wire.js';

type ConfigSchema = StandardSchemaV1 & { readonly '~standard': Partial<StandardJSONSchemaV1['~standard']> };

/** The schema of an adapter that lives elsewhere, and how its configs are sent there. */
export interface RemoteConfig {
  readonly schema: ConfigSchema;
  /** The form in which a config that `schema` gave (or any other) is sent with a call. */
  toWire(config: unknown): WireConfig;
  /** What the adapter said of a config that `schema` gave; undefined = it was not asked, or the config is another one. */
  protocolFor(config: unknown): InteractiveProtocolV1 | null | undefined;
}

/** @param ask sends a raw config to the worker and gives its answer. */
export function createRemoteConfig(ask: (value: unknown) => Promise<unknown>, jsonSchema: Json): RemoteConfig {
  /** Stand-ins for parsed configs that stay in the worker, and the raw configs that they are parsed from again. */
  const rawConfigs = new WeakMap<object, unknown>();
  const protocols = new WeakMap<object, InteractiveProtocolV1 | null>();
  const remember = (config: unknown, protocol: InteractiveProtocolV1 | null | undefined): void => {
    if (protocol !== undefined && typeof config === 'object' && config !== null) protocols.set(config, protocol);
  };
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
          if ('parsed' in answer) {
            remember(answer.parsed, answer.protocol);
            return { value: answer.parsed };
          }
          if (typeof value !== 'object' || value === null) return { value };
          const standIn = structuredClone(value);
          rawConfigs.set(standIn, value);
          remember(standIn, answer.protocol);
          return { value: standIn };
        },
        ...(jsonSchemaRecord
          ? { jsonSchema: { input: () => ({ ...jsonSchemaRecord }), output: () => ({ ...jsonSchemaRecord }) } }
          : {}),
      },
    },
    protocolFor: (config) => (typeof config === 'object' && config !== null ? protocols.get(config) : undefined),
    toWire(config) {
      if (typeof config === 'object' && config !== null && rawConfigs.has(config)) return { raw: rawConfigs.get(config) };
      return { parsed: config };
    },
  };
}
