import type {
  EnvironmentReportV1,
  LivenessV1,
  RunFailureV1,
  RunOutcomeV1,
  RunResultV1,
  RunUsageV1,
  TerminationV1,
  WorkerExitV1,
} from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { exactObject } from './exact-object.js';
import { jsonValue } from './json-value.js';

/** What adapters answer, as schemas: an adapter is somebody else's code, so its answers are checked before use. */

const usage: z.ZodType<RunUsageV1> = exactObject({
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  cachedInputTokens: z.number().optional(),
});

const failure: z.ZodType<RunFailureV1> = exactObject({
  code: z.string().min(1),
  message: z.string(),
  retryable: z.boolean(),
  retryNotBefore: z.string().optional(),
  exitCode: z.number().int().optional(),
  signal: z.string().optional(),
  detail: jsonValue.optional(),
});

const report = {
  session: jsonValue.optional(),
  usage: usage.optional(),
  provider: z.string().optional(),
  model: z.string().optional(),
  costUsd: z.number().optional(),
  summary: z.string().optional(),
  resultJson: jsonValue.optional(),
};

const outcomes: Record<RunOutcomeV1['status'], z.ZodType<RunResultV1>> = {
  succeeded: exactObject({ ...report, status: z.literal('succeeded') }),
  failed: exactObject({ ...report, status: z.literal('failed'), error: failure }),
  cancelled: exactObject({ ...report, status: z.literal('cancelled'), forced: z.boolean() }),
  timed_out: exactObject({ ...report, status: z.literal('timed_out'), limitMs: z.number(), forced: z.boolean() }),
  detached: exactObject({ ...report, status: z.literal('detached') }),
};

export const runResult: z.ZodType<RunResultV1> = z
  .looseObject({ status: z.enum(['succeeded', 'failed', 'cancelled', 'timed_out', 'detached']) })
  .transform((value, context): RunResultV1 => {
    const parsed = outcomes[value.status].safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue({ code: 'custom', message: issue.message, path: issue.path });
    return z.NEVER;
  });

export const liveness: z.ZodType<LivenessV1> = z.discriminatedUnion('state', [
  z.object({ state: z.literal('alive') }),
  z.object({ state: z.literal('ended'), result: runResult }),
  z.object({ state: z.literal('gone') }),
  z.object({ state: z.literal('unknown'), retryAfterMs: z.number().nonnegative(), message: z.string() }),
]);

export const termination: z.ZodType<TerminationV1> = z.object({ stopped: z.enum(['already_gone', 'graceful', 'forced']) });

export const environmentReport: z.ZodType<EnvironmentReportV1> = z.object({
  checks: z.array(
    exactObject({
      code: z.string(),
      level: z.enum(['ok', 'info', 'warn', 'error']),
      message: z.string(),
      hint: z.string().optional(),
    }),
  ),
});

export const workerExit: z.ZodType<WorkerExitV1> = z.object({
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  reason: z.enum([
    'process_exit',
    'process_signal',
    'oom',
    'start_failed',
    'stdin_broken',
    'write_timeout',
    'stop',
    'fenced',
    'host_shutdown',
  ]),
  message: z.string(),
  stderrTail: z.string(),
});
