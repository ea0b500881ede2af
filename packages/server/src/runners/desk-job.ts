import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunnerAbort, RunnerJobSpec } from '@runbeat/protocol';
import type { JobSinks } from './job-sinks.js';
import type { RunnerLogCursor } from './log-cursor.js';
import { createLogIntake, type LogIntake } from './log-intake.js';
import type { RunnerJobRecord } from './runner-job-record.js';
import type { SessionDesk } from './session-desk.js';

/** What the job is and where what it tells goes. Absent while only `terminate` looks after it. */
export interface AttachedJob {
  readonly spec: RunnerJobSpec;
  readonly sinks: JobSinks;
  readonly startOfLog: RunnerLogCursor;
  /** Null for a run. */
  readonly session: SessionDesk | null;
}

/**
 * One run, or one worker of a session, that this server has on a runner, until its result is accepted.
 * Written by the desk and the protocol calls only.
 */
export interface DeskJob {
  /** As it is stored. Replaced with each assignment and claim. */
  record: RunnerJobRecord;
  readonly attached: AttachedJob | null;
  readonly intake: LogIntake | null;
  /** Settles whoever waits for the end; the first result wins. */
  settle(result: RunResultV1): void;
  readonly settled: Promise<RunResultV1>;
  isSettled: boolean;
  /** Monotonic time until which the offer or the lease holds. */
  offerUntilMs: number;
  leaseUntilMs: number;
  /** The assigned runner reported it under the current epoch: offers are no longer repeated. */
  isAcknowledged: boolean;
  isDetachmentTold: boolean;
  /** The first reason wins. */
  cancel: RunnerAbort | null;
  /** The adapter's last proof of life that was handed on. */
  aliveAt: string | null;
  /** The runner reported that the work is over; `terminate` waits for it. */
  isWorkOver: boolean;
  /** An assignment is being stored. */
  isAssigning: boolean;
  /** Monotonic time of the acceptance of its result; null = not accepted. */
  settledAtMs: number | null;
}

export function createDeskJob(options: {
  readonly record: RunnerJobRecord;
  readonly attached: AttachedJob | null;
  readonly leaseUntilMs: number;
  readonly offerUntilMs: number;
}): DeskJob {
  let resolveSettled: (result: RunResultV1) => void = () => undefined;
  const settled = new Promise<RunResultV1>((resolve) => {
    resolveSettled = resolve;
  });
  const { attached } = options;
  const job: DeskJob = {
    record: options.record,
    attached,
    intake: attached ? createLogIntake(attached.sinks, attached.startOfLog) : null,
    settle(result) {
      if (job.isSettled) return;
      job.isSettled = true;
      job.intake?.close();
      resolveSettled(result);
      // What was not written is told after the end of the worker, which explains it.
      if (result.status !== 'detached') job.attached?.session?.close();
    },
    settled,
    isSettled: false,
    offerUntilMs: options.offerUntilMs,
    leaseUntilMs: options.leaseUntilMs,
    isAcknowledged: false,
    isDetachmentTold: false,
    cancel: null,
    aliveAt: null,
    isWorkOver: false,
    isAssigning: false,
    settledAtMs: null,
  };
  return job;
}
