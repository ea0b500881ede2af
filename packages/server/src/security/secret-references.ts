import type { Json } from '@runbeat/adapter-sdk';

/** `{ "$secret": "NAME" }`, alone in its object. */
export interface SecretReference {
  readonly path: string;
  readonly name: string;
}

const secretNamePattern = /^[A-Za-z][A-Za-z0-9_]{0,99}$/;

/** The name, when the value is a reference to a secret; null when it is anything else. */
export function secretName(value: Json): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  const name = entries.length === 1 && entries[0]?.[0] === '$secret' ? entries[0][1] : undefined;
  return typeof name === 'string' ? name : null;
}

export function isSecretName(name: string): boolean {
  return secretNamePattern.test(name);
}

/** Every reference in a config, with the path of its place: `env.TOKEN`, `args[2]`. */
export function listSecretReferences(config: Json): readonly SecretReference[] {
  const found: SecretReference[] = [];
  replaceSecrets(config, (name, path) => {
    found.push({ name, path });
    return null;
  });
  return found;
}

/** The config with each reference replaced by what `replacementOf` gives for it. The original is left as it is. */
export function replaceSecrets(config: Json, replacementOf: (name: string, path: string) => Json): Json {
  return replaceIn(config, '', replacementOf);
}

function replaceIn(value: Json, path: string, replacementOf: (name: string, path: string) => Json): Json {
  const name = secretName(value);
  if (name !== null) return replacementOf(name, path);
  if (Array.isArray(value)) {
    return value.map((item: Json, index) => replaceIn(item, `${path}[${index}]`, replacementOf));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        replaceIn(item ?? null, path === '' ? key : `${path}.${key}`, replacementOf),
      ]),
    );
  }
  return value;
}
