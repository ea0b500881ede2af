import { z } from 'zod';
import { adapterTypeSchema } from './agent.js';
import { timestampSchema } from './identifiers.js';
import { jsonObjectSchema, jsonValueSchema } from './json.js';

/** An adapter as the server has it. */
export const adapterSchema = z
  .object({
    type: z.string(),
    state: z.enum(['ready', 'loading', 'error', 'removed']),
    source: z.string().meta({ description: '`built-in`, `code`, or the package or path that was added.' }),
    packageName: z.string().nullable(),
    version: z.string().nullable(),
    integrity: z.string().nullable(),
    isolation: z.enum(['in-process', 'worker-thread']),
    capabilities: z.object({
      hasOutOfProcessLiveness: z.boolean(),
      outOfProcessKind: z.enum(['handle', 'log-driven']).nullable(),
      isInteractive: z.boolean(),
      canTestEnvironment: z.boolean(),
      maxConcurrentRuns: z.int().nullable(),
    }),
    configJsonSchema: jsonValueSchema.meta({ description: 'JSON Schema of `adapterConfig`; null when it cannot be given.' }),
    runningRuns: z.int(),
    lastError: z.object({ code: z.string(), message: z.string(), at: timestampSchema }).nullable(),
    installedAt: timestampSchema.nullable(),
  })
  .meta({ id: 'Adapter' });
export type Adapter = z.infer<typeof adapterSchema>;

export const adapterListSchema = z.object({ items: z.array(adapterSchema) });
export const adapterParamsSchema = z.object({ type: adapterTypeSchema });

const packageSpecSchema = z
  .string()
  .min(1)
  .max(1_000)
  .meta({ description: 'What npm understands: `@acme/runbeat-adapter-foo@^1`, a folder, a tarball.' });

export const adapterAddSchema = z.strictObject({
  source: packageSpecSchema,
  allowScripts: z.boolean().default(false).meta({ description: "Let npm run the package's install scripts." }),
  override: z.boolean().default(false).meta({ description: 'Take a type that another package has already.' }),
});
export type AdapterAdd = z.input<typeof adapterAddSchema>;

export const adapterUpdateSchema = z
  .strictObject({ source: packageSpecSchema.optional(), allowScripts: z.boolean().default(false) })
  .default({ allowScripts: false });
export type AdapterUpdate = z.input<typeof adapterUpdateSchema>;

export const adapterRemoveQuerySchema = z.object({
  force: z.stringbool().default(false).meta({ description: 'Let its runs finish, then remove it.' }),
});

export const adapterCheckSchema = z.strictObject({ source: packageSpecSchema, allowScripts: z.boolean().default(false) });
/** What adding it would come to, without adding it. */
export const adapterCheckResultSchema = z
  .object({
    ok: z.boolean(),
    type: z.string().nullable(),
    packageName: z.string().nullable(),
    version: z.string().nullable(),
    problems: z.array(z.object({ code: z.string(), message: z.string() })),
  })
  .meta({ id: 'AdapterCheckResult' });
export type AdapterCheckResult = z.infer<typeof adapterCheckResultSchema>;

export const environmentTestSchema = z
  .strictObject({ adapterConfig: jsonObjectSchema.default({}) })
  .default({ adapterConfig: {} });
/** The agent can run when no check is an `error`. */
export const environmentReportSchema = z
  .object({
    checks: z.array(
      z.object({
        code: z.string(),
        level: z.enum(['ok', 'info', 'warn', 'error']),
        message: z.string(),
        hint: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'EnvironmentReport' });
export type EnvironmentReport = z.infer<typeof environmentReportSchema>;
