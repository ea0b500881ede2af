import { type AbortReasonV1, isAdapterError, type RunResultV1, type RunSinksV1, sleep } from '@runbeat/adapter-sdk';
import type { JobClient, JobState, OutputPage } from './job-client.js';

export interface Following {
  readonly client: JobClient;
  readonly jobId: string;
  readonly sinks: RunSinksV1;
  readonly signal: AbortSignal;
  readonly pollMs: number;
  readonly graceMs: number;
  /** The cursor of the last stored piece: the `seq` of a record. Null = from the start. */
  readonly afterCursor: string | null;
}

/**
 * Hands on a job's output until it has ended, from a cursor on. `execute` and `reattach` are both this loop, so that a run
 * that was taken over settles as the first one would have.
 */
export async function followJob({ client, jobId, sinks, signal, pollMs, graceMs, afterCursor }: Following): Promise<RunResultV1> {
  let seq = afterCursor === null ? 0 : Number(afterCursor);
  const stopping = createStopping(client, jobId, graceMs);
  const reading = createPatientReading(client, jobId, sinks);
  while (true) {
    if (signal.aborted) {
      const reason = signal.reason as AbortReasonV1;
      // The job does not need us. Whoever has the handle goes on from the cursor.
      if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') return { status: 'detached' };
      await stopping.advance();
    }
    const page = await reading.page(seq);
    if (page === 'gone') return goneResult(jobId);
    if (page !== 'unreachable') {
      for (const record of page.records) {
        await sinks.onLog(record.stream, record.text, { cursor: String(record.seq), at: record.at });
        seq = record.seq;
      }
      if (page.isComplete && page.job.state !== 'running') return resultFromJob(page.job, signal.aborted ? signal.reason : null);
      // A job that answers is alive, whether it prints or not.
      await sinks.onAlive();
      if (page.records.length > 0) continue;
    }
    // After an abort there is nothing to wake up for but the next look.
    await (signal.aborted ? sleep(Math.min(pollMs, 100)) : sleep(pollMs, signal));
  }
}

/** First asks, then kills when the grace period is over; both as often as needed until the service took it. */
function createStopping(client: JobClient, jobId: string, graceMs: number): { advance(): Promise<void> } {
  // `ask` until the service took the request, `grace` until it took the kill after that time, then `done`.
  let stage: 'ask' | 'grace' | 'done' = 'ask';
  let killAt = Number.POSITIVE_INFINITY;
  const tried = async (how: 'ask' | 'kill'): Promise<boolean> => {
    try {
      await client.stop(jobId, how);
      return true;
    } catch (error) {
      if (!isAdapterError(error)) throw error;
      return false;
    }
  };
  return {
    async advance() {
      if (stage === 'ask' && (await tried('ask'))) {
        stage = 'grace';
        killAt = Date.now() + graceMs;
      }
      if (stage === 'grace' && Date.now() >= killAt && (await tried('kill'))) stage = 'done';
    },
  };
}

/** A service that is away, or will not talk to us, says nothing about the job: tell of it once, and go on asking. */
function createPatientReading(
  client: JobClient,
  jobId: string,
  sinks: RunSinksV1,
): { page(after: number): Promise<OutputPage | 'gone' | 'unreachable'> } {
  let isAway = false;
  return {
    async page(after) {
      try {
        const page = await client.output(jobId, after);
        if (isAway) await sinks.onEvent({ type: 'http.service_back', level: 'info', message: 'The job service answers again.' });
        isAway = false;
        return page ?? 'gone';
      } catch (error) {
        if (!isAdapterError(error)) throw error;
        if (!isAway) await sinks.onEvent({ type: 'http.service_away', level: 'warn', message: error.message });
        isAway = true;
        return 'unreachable';
      }
    },
  };
}

/** @param reason the abort that the job's end answers; null when it ended by itself or when nobody watched. */
export function resultFromJob(job: Exclude<JobState, { state: 'running' }>, reason: AbortReasonV1 | null): RunResultV1 {
  switch (job.state) {
    case 'succeeded':
      return { status: 'succeeded' };
    case 'failed':
      return {
        status: 'failed',
        error: { code: 'exit_nonzero', message: job.message, retryable: false, exitCode: job.exitCode },
      };
    case 'cancelled':
      if (reason?.kind === 'timed_out') return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced: job.forced };
      return { status: 'cancelled', forced: job.forced };
  }
}

function goneResult(jobId: string): RunResultV1 {
  return {
    status: 'failed',
    error: {
      code: 'http.job_gone',
      message: `The service no longer knows job ${jobId}, so how it ended is unknown.`,
      retryable: false,
    },
  };
}
