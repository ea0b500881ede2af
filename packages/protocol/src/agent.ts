import { z } from 'zod';
import { durationMsSchema, idSchema, timestampSchema } from './identifiers.js';
import { jsonObjectSchema, jsonValueSchema } from './json.js';
import { pageOf } from './page.js';
import { longText, shortText } from './text.js';

export const agentStatuses = ['active', 'paused', 'error'] as const;
export const agentActivities = ['idle', 'running'] as const;

/** `^[a-z][a-z0-9_-]{0,62}$`, as the adapter contract has it. */
export const adapterTypeSchema = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, 'an adapter type, such as `local`');

/** The place of execution: one runner by id, or any runner with a label. */
export const placementSchema = z.union([
  z.strictObject({ runnerId: idSchema }),
  z.strictObject({ runnerLabel: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/, 'a label, such as `gpu` or `zone:eu`') }),
]);
export type Placement = z.infer<typeof placementSchema>;

/** How an agent's runs are limited and when it is woken, with every default filled in. */
export const runtimeConfigSchema = z
  .object({
    limits: z.object({ timeoutMs: durationMsSchema.nullable(), idleTimeoutMs: durationMsSchema.nullable() }),
    heartbeat: z.object({
      enabled: z.boolean(),
      intervalSec: z.int(),
      wakeOnDemand: z.boolean(),
      maxConcurrentRuns: z.int(),
    }),
    placement: placementSchema.nullable(),
  })
  .meta({ id: 'AgentRuntimeConfig' });
export type RuntimeConfig = z.infer<typeof runtimeConfigSchema>;

/** What may be written; what is absent keeps its value (in a new agent: its default). */
export const runtimeConfigInputSchema = z.strictObject({
  limits: z
    .strictObject({
      timeoutMs: durationMsSchema
        .nullable()
        .optional()
        .meta({ description: 'A run longer than this ends `timed_out`; null = no limit.' }),
      idleTimeoutMs: durationMsSchema
        .nullable()
        .optional()
        .meta({ description: 'A run without a sign of life for this long fails with `idle_timeout`; null = no limit.' }),
    })
    .optional(),
  heartbeat: z
    .strictObject({
      enabled: z.boolean().optional().meta({ description: 'Timer wakes on or off. Default off.' }),
      intervalSec: z.int().min(5).max(31_536_000).optional().meta({ description: 'Between timer wakes. Default 300.' }),
      wakeOnDemand: z.boolean().optional().meta({ description: "Whether wakes other than the timer's are taken. Default true." }),
      maxConcurrentRuns: z.int().min(1).max(1_000).optional().meta({ description: 'Runs of this agent at once.' }),
    })
    .optional(),
  placement: placementSchema.nullable().optional().meta({ description: 'Where its runs execute; null = on the server.' }),
});
export type RuntimeConfigInput = z.input<typeof runtimeConfigInputSchema>;

/** A configured worker. */
export const agentSchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    name: z.string(),
    role: z.string(),
    status: z.enum(agentStatuses),
    statusReason: z.string().nullable(),
    activity: z.enum(agentActivities).meta({ description: 'Derived: `running` while at least one of its runs is running.' }),
    adapterType: z.string(),
    adapterState: z
      .enum(['ready', 'unavailable', 'missing'])
      .meta({ description: 'Whether this server can run its adapter now; while it cannot, wakes wait.' }),
    adapterConfig: jsonValueSchema.meta({ description: 'As written; secrets stay `{ "$secret": "NAME" }`.' }),
    runtimeConfig: runtimeConfigSchema,
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: 'Agent' });
export type Agent = z.infer<typeof agentSchema>;

export const agentCreateSchema = z.strictObject({
  name: shortText(),
  role: shortText(100).default('agent'),
  adapterType: adapterTypeSchema,
  adapterConfig: jsonObjectSchema.default({}),
  runtimeConfig: runtimeConfigInputSchema.default({}),
});
export type AgentCreate = z.input<typeof agentCreateSchema>;

export const agentUpdateSchema = z
  .strictObject({
    name: shortText(),
    role: shortText(100),
    adapterType: adapterTypeSchema,
    adapterConfig: jsonObjectSchema,
    runtimeConfig: runtimeConfigInputSchema,
  })
  .partial();
export type AgentUpdate = z.input<typeof agentUpdateSchema>;

export const agentPauseSchema = z.strictObject({ reason: longText(1_000).optional() }).default({});

export const agentPageSchema = pageOf(agentSchema);

/** Counters and marks that change with every run. */
export const agentRuntimeStateSchema = z
  .object({
    agentId: idSchema,
    firstHeartbeatAt: timestampSchema.nullable(),
    lastHeartbeatAt: timestampSchema.nullable(),
    nextTimerWakeAt: timestampSchema.nullable(),
    lastRunId: z.string().nullable(),
    lastRunStatus: z.string().nullable(),
    lastErrorCode: z.string().nullable(),
    totalRuns: z.int(),
    totalInputTokens: z.int(),
    totalOutputTokens: z.int(),
    totalCostUsd: z.number(),
  })
  .meta({ id: 'AgentRuntimeState' });
export type AgentRuntimeState = z.infer<typeof agentRuntimeStateSchema>;
