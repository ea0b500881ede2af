import { z } from 'zod';
import { jsonValueSchema } from './json.js';

/**
 * A worker of an interactive session that lives on a runner. It is a job like a run: offered, claimed, leased, with a log
 * and one finish; its run id is the id of the worker. What the user says goes to the runner as `stdin` messages of the
 * poll, numbered from 1 and repeated until the job's report shows their number; what comes of each, and everything that
 * the worker says, comes back in the log.
 */
export const runnerSessionActionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prompt'), promptId: z.string(), prompt: jsonValueSchema }),
  z.object({ kind: z.literal('cancel'), promptId: z.string() }),
  z.object({ kind: z.literal('answer'), requestId: z.string(), answer: jsonValueSchema }),
]);
export type RunnerSessionAction = z.infer<typeof runnerSessionActionSchema>;

export const runnerSessionCommandSchema = z.object({ seq: z.int().min(1), action: runnerSessionActionSchema });
export type RunnerSessionCommand = z.infer<typeof runnerSessionCommandSchema>;

/** How far a session's worker has come, as its runner reports it with the job. */
export const runnerSessionProgressSchema = z.object({
  /** The last command that was begun; the worker may have it. 0 = none. */
  commandSeq: z.int().min(0),
  /** The last prompt that was begun; null = none. */
  promptId: z.string().nullable(),
});
export type RunnerSessionProgress = z.infer<typeof runnerSessionProgressSchema>;

/** `SessionOutputV1` of the adapter contract. */
export const runnerSessionOutputSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('acknowledged'), promptId: z.string() }),
  z.object({ kind: z.literal('update'), promptId: z.string().nullable(), update: jsonValueSchema }),
  z.object({
    kind: z.literal('request'),
    promptId: z.string().nullable(),
    requestId: z.string(),
    request: jsonValueSchema,
  }),
  z.object({ kind: z.literal('completed'), promptId: z.string(), result: jsonValueSchema }),
  z.object({ kind: z.literal('failed'), promptId: z.string(), code: z.string(), message: z.string() }),
  z.object({ kind: z.literal('cancelled'), promptId: z.string() }),
  z.object({ kind: z.literal('protocol_error'), message: z.string() }),
  z.object({ kind: z.literal('stderr'), text: z.string() }),
]);
export type RunnerSessionOutput = z.infer<typeof runnerSessionOutputSchema>;

/** `WorkerExitV1` of the adapter contract: the `resultJson` of a session job that succeeded. */
export const runnerWorkerExitSchema = z.object({
  exitCode: z.int().nullable(),
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
export type RunnerWorkerExit = z.infer<typeof runnerWorkerExitSchema>;

/** Lines of a session job's log, beside `event`. */
export const runnerSessionLineSchemas = [
  /** The worker is up. `v` = what the next worker of this session shall get to resume the conversation. */
  z.object({ k: z.literal('opened'), v: jsonValueSchema }),
  /** That state changed. */
  z.object({ k: z.literal('resume'), v: jsonValueSchema }),
  /** Something that the worker said. `c` = the adapter's cursor behind it, for the runner's own reattachment. */
  z.object({ k: z.literal('said'), o: runnerSessionOutputSchema, c: z.string().optional() }),
  /** A piece of the JSON of a `said` line that is too long for one upload; the last piece is followed by `said-end`. */
  z.object({ k: z.literal('said-part'), t: z.string() }),
  z.object({ k: z.literal('said-end'), c: z.string().optional() }),
  /** Command `q` is about to be written to the worker. `p` = its prompt, `r` = the request that it answers. */
  z.object({ k: z.literal('begun'), q: z.int().min(1), p: z.string().optional(), r: z.string().optional() }),
  /** What came of the write: `e` is absent when it was written, which proves nothing about the reader. */
  z.object({
    k: z.literal('wrote'),
    q: z.int().min(1),
    e: z.enum(['stdin_broken', 'write_timeout']).optional(),
    m: z.string().optional(),
  }),
] as const;
