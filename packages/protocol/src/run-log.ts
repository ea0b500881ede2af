import { z } from 'zod';
import { timestampSchema } from './identifiers.js';

export const logStreams = ['stdout', 'stderr', 'system'] as const;
export type LogStream = (typeof logStreams)[number];

/** A stored piece of output. `seq` starts at 1 and rises by one per run. Pieces are not lines: join their texts. */
export const logRecordSchema = z
  .object({ seq: z.int(), at: timestampSchema, stream: z.enum(logStreams), text: z.string() })
  .meta({ id: 'LogRecord' });
export type LogRecord = z.infer<typeof logRecordSchema>;

const offsetSchema = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const logPageLimitBytes = 1_048_576;

/** `offset`, `after` and `tailLines` exclude each other; without any, reading begins at the start. */
export const logQuerySchema = z
  .object({
    offset: offsetSchema.optional().meta({ description: 'An offset that a page gave as `nextOffset`.' }),
    after: offsetSchema.optional().meta({ description: 'Start behind the record of this `seq`.' }),
    tailLines: z.coerce.number().int().min(0).max(100_000).optional().meta({ description: 'Start at the last so many lines.' }),
    limitBytes: z.coerce.number().int().min(1).max(logPageLimitBytes).optional().meta({
      description: 'Size of the page. Default 256000 with `format=json`; with `text` and `ndjson` absent = everything up to now.',
    }),
    stream: z.enum(logStreams).optional(),
    format: z.enum(['json', 'ndjson', 'text']).default('json'),
  })
  .refine((query) => [query.offset, query.after, query.tailLines].filter((value) => value !== undefined).length <= 1, {
    message: 'give at most one of `offset`, `after` and `tailLines`',
    path: ['offset'],
  });
export type LogQuery = z.input<typeof logQuerySchema>;

/**
 * A page of a run's log. `complete: true` only when the run has ended and this page reaches the end, so that "caught
 * up" and "finished" differ.
 */
export const logPageSchema = z
  .object({ records: z.array(logRecordSchema), nextOffset: z.int(), endOffset: z.int(), complete: z.boolean() })
  .meta({ id: 'LogPage' });
export type LogPage = z.infer<typeof logPageSchema>;

export const logStreamQuerySchema = z.object({ after: offsetSchema.default(0) });

/** With `format=text` or `ndjson` and a `limitBytes`, the page's numbers are in these headers. */
export const logPageHeaders = {
  nextOffset: 'runbeat-next-offset',
  endOffset: 'runbeat-end-offset',
  complete: 'runbeat-log-complete',
} as const;
