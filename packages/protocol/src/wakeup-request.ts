import { z } from 'zod';
import { placementSchema } from './agent.js';
import { runSchema, wakeupSources } from './heartbeat-run.js';
import { durationMsSchema, idSchema, prioritySchema, timestampSchema } from './identifiers.js';
import { jsonObjectSchema, jsonValueSchema } from './json.js';
import { longText, promptLimitCharacters } from './text.js';

export const wakeupStatuses = [
  'queued',
  'deferred',
  'claimed',
  'coalesced',
  'skipped',
  'completed',
  'failed',
  'cancelled',
] as const;
export const wakeupOutcomes = ['queued', 'coalesced', 'deferred', 'skipped'] as const;

/** 1 to 200 printable characters; the same key gives the same answer, once. */
export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 printable ASCII characters');

/** "This agent should run, because …" */
export const wakeupSchema = z
  .strictObject({
    source: z.enum(wakeupSources).default('on_demand'),
    reason: longText(2_000).nullable().optional(),
    prompt: longText(promptLimitCharacters).nullable().optional(),
    payload: jsonValueSchema.optional(),
    issueId: idSchema.nullable().optional(),
    taskKey: longText(200).min(1).nullable().optional().meta({ description: 'Runs of one key continue one conversation.' }),
    idempotencyKey: idempotencyKeySchema.optional(),
    priority: prioritySchema.optional(),
    timeoutMs: durationMsSchema.nullable().optional().meta({ description: "Instead of the agent's limit, for this run." }),
    placement: placementSchema.nullable().optional(),
    adapterConfigOverride: jsonObjectSchema.optional().meta({
      description: "Members that replace those of the agent's adapter config, for this run (operator and company keys only).",
    }),
  })
  .default({ source: 'on_demand' });
export type Wakeup = z.input<typeof wakeupSchema>;

export const wakeupRequestSchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    agentId: idSchema,
    source: z.enum(wakeupSources),
    reason: z.string().nullable(),
    issueId: idSchema.nullable(),
    taskKey: z.string().nullable(),
    priority: z.int(),
    idempotencyKey: z.string().nullable(),
    status: z.enum(wakeupStatuses),
    statusReason: z.string().nullable(),
    runId: idSchema.nullable(),
    coalescedCount: z.int(),
    requestedBy: z.string().nullable(),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: 'WakeupRequest' });
export type WakeupRequest = z.infer<typeof wakeupRequestSchema>;

/** Answer to a wakeup, and to a retry. `run` is null when nothing was queued. */
export const wakeupAnswerSchema = z
  .object({
    outcome: z.enum(wakeupOutcomes),
    reason: z.string().nullable(),
    wakeupRequest: wakeupRequestSchema,
    run: runSchema.nullable(),
  })
  .meta({ id: 'WakeupAnswer' });
export type WakeupAnswer = z.infer<typeof wakeupAnswerSchema>;
