import {
  type ExecuteContextV1,
  failureFromError,
  isAdapterError,
  type LivenessV1,
  type ProbeQueryV1,
  type ReattachContextV1,
  type RunResultV1,
  sleep,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { Config } from './config.js';
import { followJob, resultFromJob } from './follow-job.js';
import { handleFromReference, referenceFromHandle } from './handle.js';
import { createJobClient, type JobClient } from './job-client.js';

/** Starts the job and follows it. */
export async function execute(context: ExecuteContextV1<Config>): Promise<RunResultV1> {
  const { config, runId, attempt, signal } = context;
  if (signal.aborted) return { status: 'cancelled', forced: false };
  const client = createJobClient(config);
  // An id of our own: a start whose answer was lost is simply repeated, and never makes a second job.
  const jobId = `${runId}.${attempt}`;
  try {
    await client.start(jobId, { runId, task: config.task, input: context.input.prompt });
  } catch (error) {
    if (isAdapterError(error)) return { status: 'failed', error: failureFromError(error) };
    throw error;
  }
  try {
    await context.onSpawn(handleFromReference({ serviceUrl: config.serviceUrl, jobId }));
  } catch (error) {
    // Nobody will ever find this job again: rule 1.
    await endJob(client, jobId, 0, signal);
    throw error;
  }
  return followJob({ client, jobId, sinks: context, signal, pollMs: config.pollMs, graceMs: config.graceMs, afterCursor: null });
}

export async function reattach(context: ReattachContextV1<Config>): Promise<RunResultV1> {
  const { client, jobId } = jobFrom(context);
  const { signal, afterCursor, config } = context;
  return followJob({ client, jobId, sinks: context, signal, pollMs: config.pollMs, graceMs: config.graceMs, afterCursor });
}

/** One question. Whatever keeps the answer from us is `unknown`; only the service itself can say that a job is gone. */
export async function probe(query: ProbeQueryV1<Config>): Promise<LivenessV1> {
  const { client, jobId } = jobFrom(query);
  try {
    const job = await client.state(jobId, query.signal);
    if (job === null) return { state: 'gone' };
    return job.state === 'running' ? { state: 'alive' } : { state: 'ended', result: resultFromJob(job, null) };
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    return { state: 'unknown', retryAfterMs: 5_000, message: error.message };
  }
}

export async function terminate(context: TerminateContextV1<Config>): Promise<TerminationV1> {
  const { config, handle, runId, signal } = context;
  if (handle !== null) {
    const { client, jobId } = jobFrom({ config, handle });
    return endJob(client, jobId, config.graceMs, signal);
  }
  // The host was lost before it had a handle. The service knows which jobs are ours.
  const client = createJobClient(config);
  const ended = await Promise.all((await client.jobsOfRun(runId)).map((jobId) => endJob(client, jobId, config.graceMs, signal)));
  return (
    ended.find(({ stopped }) => stopped === 'forced') ??
    ended.find(({ stopped }) => stopped === 'graceful') ?? { stopped: 'already_gone' }
  );
}

function jobFrom({ config, handle }: Pick<ProbeQueryV1<Config>, 'config' | 'handle'>): { client: JobClient; jobId: string } {
  const { serviceUrl, jobId } = referenceFromHandle(handle);
  return { client: createJobClient({ serviceUrl, token: config.token }), jobId };
}

/** Ask, wait, kill; resolves when the service says that the job has ended, rejects when the time for that is over. */
async function endJob(client: JobClient, jobId: string, graceMs: number, signal: AbortSignal): Promise<TerminationV1> {
  const isRunning = async (): Promise<boolean> => (await client.state(jobId))?.state === 'running';
  if (!(await isRunning())) return { stopped: 'already_gone' };
  await client.stop(jobId, 'ask');
  const killAt = Date.now() + graceMs;
  while (Date.now() < killAt) {
    if (!(await isRunning())) return { stopped: 'graceful' };
    await sleep(Math.min(100, graceMs));
    if (signal.aborted) break;
  }
  await client.stop(jobId, 'kill');
  while (await isRunning()) {
    signal.throwIfAborted();
    await sleep(50);
  }
  return { stopped: 'forced' };
}
