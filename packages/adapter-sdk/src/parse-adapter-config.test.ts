import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configJsonSchema } from './config-json-schema.js';
import { parseAdapterConfig } from './parse-adapter-config.js';

const configSchema = z.strictObject({
  command: z.string(),
  args: z.array(z.string()).default([]),
  limits: z.object({ cpu: z.number() }).optional(),
});

describe('parseAdapterConfig', () => {
  it('gives the parsed value with defaults', async () => {
    expect(await parseAdapterConfig({ configSchema }, { command: 'node' })).toEqual({
      ok: true,
      value: { command: 'node', args: [] },
    });
  });

  it('names each wrong field by its path', async () => {
    const parsed = await parseAdapterConfig({ configSchema }, { command: 7, args: ['a', 1], limits: { cpu: 'x' }, extra: true });
    expect(parsed.ok ? [] : parsed.issues.map(({ path }) => path).sort()).toEqual(['', 'args[1]', 'command', 'limits.cpu']);
  });

  it('reports a schema that throws instead of rejecting', async () => {
    const broken = {
      '~standard': {
        version: 1 as const,
        vendor: 'broken',
        validate: () => {
          throw new TypeError('oops');
        },
      },
    };
    const parsed = await parseAdapterConfig({ configSchema: broken }, {});
    expect(parsed).toEqual({ ok: false, issues: [{ path: '', message: expect.stringContaining('oops') }] });
  });
});

describe('configJsonSchema', () => {
  it('is the JSON Schema of what a user may write', () => {
    expect(configJsonSchema({ configSchema })).toMatchObject({
      type: 'object',
      required: ['command'],
      additionalProperties: false,
    });
  });

  it('is null where the library gives none, or cannot express this schema', () => {
    const plain = { '~standard': { version: 1 as const, vendor: 'plain', validate: (value: unknown) => ({ value }) } };
    expect(configJsonSchema({ configSchema: plain })).toBeNull();
    expect(configJsonSchema({ configSchema: z.object({ when: z.date() }) })).toBeNull();
  });
});
