import type { RunnerJobPatch, RunnerJobRecord } from './runner-job-record.js';
import type { RunnerPatch, RunnerRecord } from './runner-record.js';

/** Where runners and their jobs are kept. Two implementations: PostgreSQL (`db/runner-store`) and memory (tests). */
export interface RunnerStore {
  /** A token that is known already gives the runner that has it: registering twice is registering once. */
  registerRunner(runner: RunnerRecord): Promise<RunnerRecord>;
  findRunner(id: string): Promise<RunnerRecord | null>;
  /** Oldest first. */
  listRunners(): Promise<readonly RunnerRecord[]>;
  /** False when there is no such runner. */
  patchRunner(id: string, patch: RunnerPatch, now: Date): Promise<boolean>;
  /** False when there is no such runner. */
  removeRunner(id: string): Promise<boolean>;

  findJobs(runIds: readonly string[]): Promise<readonly RunnerJobRecord[]>;
  /** Stores a new assignment; false when the run has a record of a higher epoch already. */
  putJob(job: RunnerJobRecord): Promise<boolean>;
  /** Compare-and-set on the epoch; false when it is not the current one any more. */
  patchJob(guard: { readonly runId: string; readonly leaseEpoch: number }, patch: RunnerJobPatch, now: Date): Promise<boolean>;
  /** Removes records that are `done` or `lost` since before `before`. */
  pruneJobs(before: Date): Promise<number>;
}
