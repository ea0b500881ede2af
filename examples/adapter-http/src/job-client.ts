import { AdapterError } from '@runbeat/adapter-sdk';
import { z } from 'zod';

const recordSchema = z.object({ seq: z.number(), stream: z.enum(['stdout', 'stderr']), text: z.string(), at: z.string() });
const stateSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('running') }),
  z.object({ state: z.literal('succeeded') }),
  z.object({ state: z.literal('failed'), exitCode: z.number(), message: z.string() }),
  z.object({ state: z.literal('cancelled'), forced: z.boolean() }),
]);
const pageSchema = z.object({ job: stateSchema, records: z.array(recordSchema), isComplete: z.boolean() });

export type JobState = z.output<typeof stateSchema>;
/** A piece of a job's output and its state when it was read. */
export type OutputPage = z.output<typeof pageSchema>;

/** The service as this adapter uses it. Every call rejects with `http.unreachable` when no answer came. */
export interface JobClient {
  /** Starts the job under an id of our choice, so that a repeated call never starts a second one. */
  start(jobId: string, request: { readonly runId: string; readonly task: string; readonly input: string | null }): Promise<void>;
  /** Null = the service does not know the job. */
  state(jobId: string, signal?: AbortSignal): Promise<JobState | null>;
  /** Output after a record; waits for nothing. Null = the service does not know the job. */
  output(jobId: string, afterSeq: number): Promise<OutputPage | null>;
  stop(jobId: string, how: 'ask' | 'kill'): Promise<void>;
  /** Ids of the jobs of a run, whoever started them. */
  jobsOfRun(runId: string): Promise<readonly string[]>;
}

const callLimitMs = 10_000;

export function createJobClient({
  serviceUrl,
  token,
}: {
  readonly serviceUrl: string;
  readonly token?: string | undefined;
}): JobClient {
  const call = async (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> => {
    const limit = AbortSignal.timeout(callLimitMs);
    const response = await fetchOrThrow(new URL(path, serviceUrl), {
      method,
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    return response;
  };
  const job = (jobId: string): string => `/jobs/${encodeURIComponent(jobId)}`;

  return {
    async start(jobId, request) {
      await call('PUT', job(jobId), request);
    },
    async state(jobId, signal) {
      const body = await call('GET', job(jobId), undefined, signal);
      return body === null ? null : stateSchema.parse(body);
    },
    async output(jobId, afterSeq) {
      const body = await call('GET', `${job(jobId)}/output?after=${afterSeq}`);
      return body === null ? null : pageSchema.parse(body);
    },
    async stop(jobId, how) {
      await call('POST', `${job(jobId)}/${how === 'ask' ? 'cancel' : 'kill'}`);
    },
    async jobsOfRun(runId) {
      const body = await call('GET', `/jobs?run=${encodeURIComponent(runId)}`);
      return z.array(z.string()).parse(body ?? []);
    },
  };
}

/** The answer's JSON; null for 404. */
async function fetchOrThrow(url: URL, request: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, request);
    if (response.status === 404) return null;
    if (response.ok) return await response.json();
  } catch (error) {
    const reason = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    throw new AdapterError('http.unreachable', `The job service at ${url.origin} does not answer: ${reason}`, {
      retryable: true,
      cause: error,
    });
  }
  const text = (await response.text()).slice(0, 500);
  // Overload and the like pass; a refused request will be refused again.
  const code = response.status >= 500 || response.status === 429 ? 'http.unreachable' : 'http.refused';
  throw new AdapterError(
    code,
    `The job service at ${url.origin} answered ${response.status} to ${request.method} ${url.pathname}: ${text}`,
    {
      retryable: code === 'http.unreachable',
    },
  );
}
