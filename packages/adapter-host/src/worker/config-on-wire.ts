import { type AdapterV1, parseAdapterConfig } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';
import { isJson } from '../contract/json-value.js';

/**
 * A config that crosses the border. Most parsed configs are plain JSON and cross as they are. A schema may also give
 * objects that do not survive it (a `URL` arrives empty, silently): those stay here, the host keeps the raw config, and
 * it is parsed again at the start of each call.
 */
export const wireConfig = z.union([z.object({ parsed: z.unknown() }), z.object({ raw: z.unknown() })]);
export type WireConfig = z.infer<typeof wireConfig>;

/** What the adapter's `protocolFor` says of the config; it cannot be asked later, since the host asks synchronously. */
const sessionProtocol = z.enum(['json-rpc-lines', 'acp']).nullable();

export const validation = z.union([
  z.object({ parsed: z.unknown(), protocol: sessionProtocol.optional() }),
  z.object({ stays: z.literal(true), protocol: sessionProtocol.optional() }),
  z.object({ issues: z.array(z.object({ message: z.string(), path: z.array(z.union([z.string(), z.number()])) })) }),
]);
export type Validation = z.infer<typeof validation>;

export async function validateConfig(adapter: AdapterV1, value: unknown): Promise<Validation> {
  const result = await adapter.configSchema['~standard'].validate(value);
  if (!result.issues) {
    const { interactive } = adapter;
    const protocol = interactive?.protocolFor ? { protocol: interactive.protocolFor(result.value) } : {};
    return isJson(result.value) ? { parsed: result.value, ...protocol } : { stays: true, ...protocol };
  }
  const plainPath = (path: (typeof result.issues)[number]['path']): (string | number)[] =>
    (path ?? []).map((part) => {
      const key = typeof part === 'object' ? part.key : part;
      return typeof key === 'symbol' ? String(key) : key;
    });
  return { issues: result.issues.map((issue) => ({ message: issue.message, path: plainPath(issue.path) })) };
}

export async function configFromWire(adapter: AdapterV1, value: unknown): Promise<unknown> {
  const wire = wireConfig.parse(value);
  if ('parsed' in wire) return wire.parsed;
  const parsed = await parseAdapterConfig(adapter, wire.raw);
  if (parsed.ok) return parsed.value;
  const issues = parsed.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
  throw hostError('adapter_invalid', `A config that was valid when the run was admitted is not any more: ${issues}`);
}
