import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import { isMembers, type PaperclipServerAdapter } from './paperclip-module.js';

/** A module that does not answer in time has no form; its config is free. In ms. */
const FORM_LIMIT_MS = 2_000;

interface FormField {
  readonly key: string;
  readonly isRequired: boolean;
  readonly schema: { readonly [key: string]: Json };
}

/**
 * Paperclip configs are free objects: modules read what they know and ignore the rest. Where the module describes a
 * form, its fields become the JSON Schema and its required ones are asked for.
 */
export async function createPaperclipConfigSchema(module: PaperclipServerAdapter): Promise<AdapterV1['configSchema']> {
  const fields = await readFields(module);
  const required = fields.filter((field) => field.isRequired).map((field) => field.key);
  const jsonSchema = (): Record<string, Json> => ({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.key, field.schema])),
    required,
    additionalProperties: true,
  });
  const standard = {
    version: 1,
    vendor: 'runbeat-paperclip',
    validate(value: unknown) {
      if (!isMembers(value)) return { issues: [{ message: 'The config of a Paperclip adapter is an object.' }] };
      const missing = required.filter((key) => value[key] === undefined || value[key] === null || value[key] === '');
      if (missing.length === 0) return { value };
      return { issues: missing.map((key) => ({ message: 'This field is required.', path: [key] })) };
    },
    jsonSchema: { input: jsonSchema, output: jsonSchema },
  } as const;
  return { '~standard': standard };
}

async function readFields(module: PaperclipServerAdapter): Promise<readonly FormField[]> {
  if (!module.getConfigSchema) return [];
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), FORM_LIMIT_MS);
  });
  try {
    const form = await Promise.race([module.getConfigSchema(), limit]);
    const fields = isMembers(form) && Array.isArray(form['fields']) ? (form['fields'] as unknown[]) : [];
    return fields.flatMap((field) => fieldFrom(field) ?? []);
  } catch {
    // The form is an extra; an adapter without one works.
    return [];
  } finally {
    clearTimeout(timer);
  }
}

function fieldFrom(raw: unknown): FormField | null {
  if (!isMembers(raw) || typeof raw['key'] !== 'string') return null;
  const options = Array.isArray(raw['options']) ? (raw['options'] as unknown[]) : [];
  const values = options.flatMap((option) => (isMembers(option) && typeof option['value'] === 'string' ? option['value'] : []));
  const text = (name: string): string | null => (typeof raw[name] === 'string' ? raw[name] : null);
  const [title, description] = [text('label'), text('hint')];
  const preset = raw['default'];
  return {
    key: raw['key'],
    isRequired: raw['required'] === true && preset === undefined,
    schema: {
      type: jsonTypes[text('type') ?? ''] ?? 'string',
      ...(title === null ? {} : { title }),
      ...(description === null ? {} : { description }),
      ...(raw['type'] === 'select' && values.length > 0 ? { enum: values } : {}),
      ...(typeof preset === 'string' || typeof preset === 'number' || typeof preset === 'boolean' ? { default: preset } : {}),
    },
  };
}

const jsonTypes: Readonly<Record<string, string>> = { toggle: 'boolean', number: 'number' };
