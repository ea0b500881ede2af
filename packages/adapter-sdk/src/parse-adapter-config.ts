import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AdapterV1 } from './v1/adapter-v1.js';

/** One wrong field of a config. */
export interface ConfigIssue {
  /** `command`, `limits.cpu`, `args[0]`; empty = the config as a whole. */
  readonly path: string;
  readonly message: string;
}

export type ParsedConfig =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/**
 * Called by hosts when an agent is saved and before each run. Never rejects: a schema that throws is reported as an
 * issue of the whole config, since the run can go no further either way.
 */
export async function parseAdapterConfig(adapter: Pick<AdapterV1, 'configSchema'>, rawConfig: unknown): Promise<ParsedConfig> {
  try {
    const result = await adapter.configSchema['~standard'].validate(rawConfig);
    if (!result.issues) return { ok: true, value: result.value };
    return { ok: false, issues: result.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message })) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, issues: [{ path: '', message: `The adapter's configSchema failed instead of answering: ${reason}` }] };
  }
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  let text = '';
  for (const part of path ?? []) {
    const key = typeof part === 'object' ? part.key : part;
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}
