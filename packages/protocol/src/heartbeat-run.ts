import { z } from 'zod';
import { idSchema, timestampSchema } from './identifiers.js';
import { jsonValueSchema } from './json.js';
import { pageOf, pageQuerySchema } from './page.js';
import { longText } from './text.js';

export const runStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out'] as const;
export type RunStatus = (typeof runStatuses)[number];
export const runPhases = ['starting', 'attached', 'detached', 'reattaching', 'stopping'] as const;
export const wakeupSources = ['timer', 'assignment', 'on_demand', 'automation'] as const;

/** A warning on a running run, shown until it is over. */
export const runWarningSchema = z.object({ code: z.string(), message: z.string(), at: timestampSchema });

/** A run as lists show it: no log, no result JSON, no input. */
export const runSummarySchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    agentId: idSchema,
    adapterType: z.string(),
    status: z.enum(runStatuses),
    phase: z.enum(runPhases).nullable().meta({ description: 'How far the execution is; null unless `running`.' }),
    invocationSource: z.enum(wakeupSources),
    issueId: idSchema.nullable(),
    priority: z.int(),
    notBefore: timestampSchema.nullable().meta({ description: 'A delayed retry is not started before this.' }),
    createdAt: timestampSchema,
    startedAt: timestampSchema.nullable(),
    finishedAt: timestampSchema.nullable(),
    durationMs: z
      .int()
      .nullable()
      .meta({ description: 'From start to end; null until it ended, and of a run that never started.' }),
    updatedAt: timestampSchema.meta({ description: 'Last proof of life.' }),
    lastOutputAt: timestampSchema
      .nullable()
      .meta({ description: 'When output was stored last; of a running run refreshed at most once a minute.' }),
    logBytes: z.int().meta({ description: 'Bytes of log; of a running run refreshed at most once a minute.' }),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    errorCode: z.string().nullable(),
    error: z.string().nullable(),
    warning: runWarningSchema.nullable(),
    summary: z.string().nullable(),
    costUsd: z.number().nullable(),
    retryOfRunId: idSchema.nullable(),
    processLossRetryCount: z.int(),
    transientRetryCount: z.int(),
    cancelRequestedAt: timestampSchema.nullable(),
  })
  .meta({ id: 'HeartbeatRunSummary' });
export type RunSummary = z.infer<typeof runSummarySchema>;

/** One execution of an agent. */
export const runSchema = runSummarySchema
  .extend({
    wakeupRequestId: idSchema,
    taskKey: z.string().nullable(),
    prompt: z.string().nullable(),
    reason: z.string().nullable(),
    payload: jsonValueSchema,
    retryReason: z.string().nullable(),
    coalescedCount: z.int().meta({ description: 'Wakes that were folded into this run.' }),
    attempt: z.int().meta({ description: 'Executions started under this id.' }),
    ownerInstanceId: idSchema.nullable().meta({ description: 'The server process that executes it.' }),
    ownerEpoch: z.int(),
    handleKind: z.enum(['process', 'external']).nullable(),
    processPid: z.int().nullable(),
    processGroupId: z.int().nullable(),
    processStartedAt: timestampSchema.nullable(),
    deadlineAt: timestampSchema.nullable(),
    timeoutMs: z.int().nullable(),
    idleTimeoutMs: z.int().nullable(),
    cancelReason: z.string().nullable(),
    unknownSince: timestampSchema.nullable(),
    usage: jsonValueSchema,
    provider: z.string().nullable(),
    model: z.string().nullable(),
    resultJson: jsonValueSchema,
  })
  .meta({ id: 'HeartbeatRun' });
export type HeartbeatRun = z.infer<typeof runSchema>;

export const runListQuerySchema = pageQuerySchema.extend({
  agentId: idSchema.optional(),
  issueId: idSchema.optional(),
  status: z.enum(runStatuses).optional(),
});
export type RunListQuery = z.input<typeof runListQuerySchema>;

export const runPageSchema = pageOf(runSummarySchema);

/** Running and queued runs, newest first; at most 500. */
export const liveRunsSchema = z.object({ items: z.array(runSummarySchema) });

export const runCancelSchema = z.strictObject({ reason: longText(1_000).optional() }).default({});

/** One piece of the answer to "why". */
export const explanationSchema = z
  .object({ code: z.string(), sentence: z.string(), evidence: jsonValueSchema, at: timestampSchema.nullable() })
  .meta({ id: 'Explanation' });
export const runWhySchema = z.object({ runId: idSchema, explanations: z.array(explanationSchema) });
export type RunWhy = z.infer<typeof runWhySchema>;

/** Body of a proof of life by the work itself; nothing is required. */
export const runActivitySchema = z.strictObject({ message: longText(2_000).optional() }).default({});
