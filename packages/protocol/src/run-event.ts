import { z } from 'zod';
import { idSchema, timestampSchema } from './identifiers.js';
import { jsonValueSchema } from './json.js';
import { longText } from './text.js';

export const eventLevels = ['info', 'warn', 'error'] as const;

/** A line of a run's timeline. `seq` rises by one per run. */
export const runEventSchema = z
  .object({
    runId: idSchema,
    seq: z.int(),
    at: timestampSchema,
    type: z.string(),
    level: z.enum(eventLevels),
    message: z.string(),
    data: jsonValueSchema,
  })
  .meta({ id: 'RunEvent' });
export type RunEvent = z.infer<typeof runEventSchema>;

export const runEventListQuerySchema = z.object({
  afterSeq: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});
export const runEventListSchema = z.object({ items: z.array(runEventSchema), nextAfterSeq: z.int() });

/** An event that the work reports about itself, by its run token. */
export const runEventReportSchema = z.strictObject({
  type: z.string().regex(/^[a-z][a-z0-9._-]{0,99}$/, 'lower case, such as `step-completed`'),
  level: z.enum(eventLevels).default('info'),
  message: longText(4_000).min(1),
  data: jsonValueSchema.optional(),
});
export type RunEventReport = z.input<typeof runEventReportSchema>;

/** `seq` is given when it is stored; the timeline shows it. */
export const runEventReportedSchema = z.object({ runId: idSchema, type: z.string(), at: timestampSchema });
export type RunEventReported = z.infer<typeof runEventReportedSchema>;
