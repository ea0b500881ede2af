import { readFile } from 'node:fs/promises';
import { ServerError } from '../server-error.js';

/** Where the values of secrets come from. Asked anew for every run, so that a changed secret needs no restart. */
export interface SecretSource {
  /** Null = there is no such secret. Rejects with `secret_source_unreadable` when the file cannot be read. */
  find(name: string): Promise<string | null>;
  /** Where it looks, in words, for the message about a missing one. */
  describe(name: string): string;
}

/**
 * The secrets file first (a JSON object of names and texts), then the environment variable `RUNBEAT_SECRET_<NAME>`.
 * @param file path of the secrets file; null = there is none.
 */
export function createSecretSource(file: string | null, environment: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    async find(name) {
      const secrets = file === null ? {} : await readSecretsFile(file);
      const fromFile = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
      return fromFile ?? environment[variableName(name)] ?? null;
    },
    describe: (name) =>
      `${file === null ? '' : `${file} (member "${name}") and `}the server's environment (${variableName(name)})`,
  };
}

function variableName(name: string): string {
  return `RUNBEAT_SECRET_${name}`;
}

async function readSecretsFile(file: string): Promise<Record<string, string>> {
  const unreadable = (why: string) =>
    // The parser's own message would quote the file.
    new ServerError('secret_source_unreadable', `The secrets file ${file} ${why}. It holds one JSON object of names and texts.`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unreadable('is no valid JSON');
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw unreadable('holds no JSON object');
  for (const [name, value] of Object.entries(content)) {
    if (typeof value !== 'string') throw unreadable(`has a member "${name}" that is no text`);
  }
  return content as Record<string, string>;
}
