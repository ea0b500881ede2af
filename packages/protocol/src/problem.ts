import { z } from 'zod';
import { jsonValueSchema } from './json.js';

/** One wrong field of a request: `body.adapterConfig.args[0]`, `query.limit`; empty = the request as a whole. */
export const problemFieldSchema = z.object({ field: z.string(), message: z.string() });
export type ProblemField = z.infer<typeof problemFieldSchema>;

/** RFC 9457 problem details, the body of every 4xx and 5xx answer, as `application/problem+json`. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'URI of the documentation of this code.' }),
    title: z.string().meta({ description: 'The kind of problem in a few words.' }),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened this time.' }),
    code: z.string().meta({ description: 'Stable code; docs/errors.md lists all of them.' }),
    remedy: z.string().meta({ description: 'What to do about it.' }),
    requestId: z.string().meta({ description: "Finds the request in the server's log." }),
    errors: z.array(problemFieldSchema).optional().meta({ description: 'The fields that were refused.' }),
    evidence: jsonValueSchema.optional().meta({ description: 'Facts for a program: ids, limits, the holder of a lock.' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export const problemContentType = 'application/problem+json';
