import { z } from 'zod';
import { jsonValueSchema } from './json.js';
import { runnerWriteGuardSchema } from './runner.js';

/** The result of a run on its way from a runner: `RunResultV1` of the adapter contract without `detached`. */
const report = {
  session: jsonValueSchema.optional(),
  usage: z
    .object({
      inputTokens: z.number().optional(),
      outputTokens: z.number().optional(),
      cachedInputTokens: z.number().optional(),
    })
    .optional(),
  provider: z.string().optional(),
  model: z.string().optional(),
  costUsd: z.number().optional(),
  summary: z.string().optional(),
  resultJson: jsonValueSchema.optional(),
};

export const runnerResultSchema = z.discriminatedUnion('status', [
  z.object({ ...report, status: z.literal('succeeded') }),
  z.object({
    ...report,
    status: z.literal('failed'),
    error: z.object({
      code: z.string().min(1),
      message: z.string(),
      retryable: z.boolean(),
      retryNotBefore: z.string().optional(),
      exitCode: z.int().optional(),
      signal: z.string().optional(),
      detail: jsonValueSchema.optional(),
    }),
  }),
  z.object({ ...report, status: z.literal('cancelled'), forced: z.boolean() }),
  z.object({ ...report, status: z.literal('timed_out'), limitMs: z.number(), forced: z.boolean() }),
]);
export type RunnerResult = z.infer<typeof runnerResultSchema>;

/** `chain` is the hash of the whole log as `runner-log.ts` defines it; `logBytes` its length. */
export const runnerFinishSchema = z.strictObject({
  ...runnerWriteGuardSchema.shape,
  result: runnerResultSchema,
  logBytes: z.int().min(0),
  chain: z.string(),
});
export type RunnerFinish = z.infer<typeof runnerFinishSchema>;
