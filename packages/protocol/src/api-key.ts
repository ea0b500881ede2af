import { z } from 'zod';
import { idSchema, timestampInputSchema, timestampSchema } from './identifiers.js';
import { pageOf } from './page.js';
import { shortText } from './text.js';

/**
 * - `operator`: everything, of every company.
 * - `company`: everything of one company.
 * - `agent`: acts as one agent: reads its company, comments, wakes agents, reports about its own runs.
 * - `runner`: executes runs for the server.
 */
export const apiKeyScopes = ['operator', 'company', 'agent', 'runner'] as const;
export type ApiKeyScope = (typeof apiKeyScopes)[number];

/** A key as lists show it. The key itself is shown once, when it is made. */
export const apiKeySchema = z
  .object({
    id: idSchema,
    name: z.string(),
    scope: z.enum(apiKeyScopes),
    companyId: idSchema.nullable(),
    agentId: idSchema.nullable(),
    prefix: z.string().meta({ description: 'The first characters of the key, to tell keys apart.' }),
    createdAt: timestampSchema,
    expiresAt: timestampSchema.nullable(),
    revokedAt: timestampSchema.nullable(),
    lastUsedAt: timestampSchema.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKeySchema>;

export const apiKeyCreateSchema = z
  .strictObject({
    name: shortText(100),
    scope: z.enum(apiKeyScopes),
    companyId: idSchema
      .optional()
      .meta({ description: 'Of scopes `company` and `agent`; a `runner` key without one serves every company.' }),
    agentId: idSchema.optional().meta({ description: 'Of scope `agent`.' }),
    expiresAt: timestampInputSchema.optional().meta({ description: 'Absent = it does not expire.' }),
  })
  .refine((key) => key.scope !== 'company' || key.companyId !== undefined, {
    message: 'a key of scope `company` names its company',
    path: ['companyId'],
  })
  .refine((key) => (key.scope === 'agent') === (key.agentId !== undefined), {
    message: 'a key of scope `agent`, and no other, names its agent',
    path: ['agentId'],
  })
  .refine((key) => key.scope !== 'operator' || key.companyId === undefined, {
    message: 'a key of scope `operator` belongs to no company',
    path: ['companyId'],
  });
export type ApiKeyCreate = z.input<typeof apiKeyCreateSchema>;

export const apiKeyCreatedSchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key itself, `rb_…`. Shown this once.' }) })
  .meta({ id: 'ApiKeyCreated' });
export type ApiKeyCreated = z.infer<typeof apiKeyCreatedSchema>;

export const apiKeyPageSchema = pageOf(apiKeySchema);

/** Who the request is, as the server sees it. */
export const whoAmISchema = z
  .object({
    kind: z.enum(['local', 'api-key', 'run-token', 'runner']),
    scope: z.enum(['operator', 'company', 'agent', 'runner', 'run']),
    companyId: idSchema.nullable(),
    agentId: idSchema.nullable(),
    runId: idSchema.nullable(),
  })
  .meta({ id: 'WhoAmI' });
export type WhoAmI = z.infer<typeof whoAmISchema>;
