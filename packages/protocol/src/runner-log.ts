import { z } from 'zod';
import { jsonValueSchema } from './json.js';
import { runnerSessionLineSchemas } from './runner-session.js';

/**
 * A runner's log on the wire and on its disk: one JSON object a line, UTF-8, each line ended by `\n`. Offsets are byte
 * offsets into that text and always lie behind a `\n`.
 *
 * The chain hash of a log is defined line by line, so that a restarted server can go on from the last stored record:
 * `chain(0) = ''`, `chain(n) = base64url(sha256(chain(n-1) + line(n) with its '\n'))`.
 */
export const runnerLogLineSchema = z.discriminatedUnion('k', [
  /** Output. `c` is the adapter's cursor behind it, for the runner's own reattachment. */
  z.object({
    k: z.literal('log'),
    s: z.enum(['stdout', 'stderr', 'system']),
    t: z.string(),
    at: z.string(),
    c: z.string().optional(),
  }),
  /** `onEvent` of the adapter or of the runner. */
  z.object({
    k: z.literal('event'),
    at: z.string(),
    type: z.string().min(1),
    level: z.enum(['info', 'warn', 'error']),
    message: z.string(),
    data: jsonValueSchema.optional(),
  }),
  ...runnerSessionLineSchemas,
]);
export type RunnerLogLine = z.infer<typeof runnerLogLineSchema>;
