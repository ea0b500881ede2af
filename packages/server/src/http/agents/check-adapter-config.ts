import { type AdapterV1, parseAdapterConfig } from '@runbeat/adapter-sdk';
import type { JsonValue, ProblemField } from '@runbeat/protocol';
import { isSecretName, listSecretReferences, replaceSecrets } from '../../security/secret-references.js';
import type { RunPlacement } from '../../supervisor/model/index.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { ServerServices } from '../services.js';

/** Stands in for a secret that is not there yet, or whose value is no business of this check. */
const placeholder = 'runbeat-secret-placeholder';

/**
 * Refuses a config that the adapter's schema refuses, each wrong field named, and a type that no adapter here has.
 * @param field where the config is in the request: `body.adapterConfig`.
 * @param placement of the agent: the adapter may be installed on its runner alone, which checks the config before each run.
 */
export async function checkAdapterConfig(
  services: Pick<ServerServices, 'adapterCatalog' | 'secrets'>,
  adapterType: string,
  config: JsonValue,
  field: string,
  placement: RunPlacement | null = null,
): Promise<void> {
  const lookup = services.adapterCatalog.find(adapterType, null);
  if (!lookup.found) {
    // Registered and not ready: the config is checked before each run anyway.
    if (lookup.state === 'unavailable' || placement !== null) return;
    throw new HttpProblem('adapter_missing', `No adapter of the type "${adapterType}" is registered on this server.`, {
      fields: [{ field: 'body.adapterType', message: 'no such adapter' }],
    });
  }
  const fields = await wrongFields(services, lookup.adapter, config, field);
  if (fields.length > 0) {
    throw new HttpProblem(
      'config_invalid',
      `The adapter "${adapterType}" refuses the config: ${fields.map((wrong) => `${wrong.field}: ${wrong.message}`).join('; ')}.`,
      { fields },
    );
  }
}

async function wrongFields(
  services: Pick<ServerServices, 'secrets'>,
  adapter: AdapterV1,
  config: JsonValue,
  field: string,
): Promise<ProblemField[]> {
  const references = listSecretReferences(config);
  const badNames = references.filter(({ name }) => !isSecretName(name));
  if (badNames.length > 0) {
    return badNames.map(({ path }) => ({
      field: joinPath(field, path),
      message: 'the name of a secret has letters, digits and `_`, and begins with a letter',
    }));
  }
  const values = new Map<string, string>();
  for (const { name } of references) {
    // A source that cannot be read now does not keep an agent from being saved; a run will say so.
    const value = await services.secrets.find(name).catch(() => null);
    values.set(name, value ?? placeholder);
  }
  const parsed = await parseAdapterConfig(
    adapter,
    replaceSecrets(config, (name) => values.get(name) ?? placeholder),
  );
  if (parsed.ok) return [];
  const secretPaths = new Set(references.map(({ path }) => path));
  return (
    parsed.issues
      // Only a run knows the value; and a message about it could quote it.
      .filter(({ path }) => !secretPaths.has(path))
      .map(({ path, message }) => ({ field: joinPath(field, path), message: withoutSecrets(message, values) }))
  );
}

/** A schema may quote what it refused. */
function withoutSecrets(message: string, values: ReadonlyMap<string, string>): string {
  let text = message;
  for (const value of values.values()) if (value !== '') text = text.replaceAll(value, '***');
  return text;
}

function joinPath(field: string, path: string): string {
  if (path === '') return field;
  return path.startsWith('[') ? `${field}${path}` : `${field}.${path}`;
}
