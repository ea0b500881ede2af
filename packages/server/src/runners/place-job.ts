import type { Json, RunHandleV1 } from '@runbeat/adapter-sdk';
import type { RunPlacement } from '../supervisor/model/index.js';
import { chooseRunner, showOffer } from './assign-job.js';
import type { DeskJob } from './desk-job.js';
import type { RunnerContext } from './runner-context.js';
import { nextLeaseEpoch, type RunnerJobRecord } from './runner-job-record.js';
import { abandonJob } from './sweep-jobs.js';

/** What is to be placed, before it is known where. */
export type JobWish = Pick<
  RunnerJobRecord,
  'runId' | 'sessionId' | 'companyId' | 'adapterType' | 'placement' | 'previousSession'
>;

/** A first assignment, to the runner that could take the job now, if there is one. */
export function newJobRecord(context: RunnerContext, wish: JobWish): RunnerJobRecord {
  const now = context.clock.now();
  return {
    ...wish,
    runnerId: chooseRunner(context, wish),
    homeId: null,
    leaseEpoch: nextLeaseEpoch(0, now),
    state: 'offered',
    createdAt: now,
    updatedAt: now,
  };
}

/** A job that is placed anew under its old id (its host died while starting it) goes on above the epochs it had. */
export async function storeJobRecord(context: RunnerContext, job: DeskJob): Promise<void> {
  while (!(await context.store.putJob(job.record))) {
    const [stored] = await context.store.findJobs([job.record.runId]);
    const leaseEpoch = nextLeaseEpoch(stored?.leaseEpoch ?? job.record.leaseEpoch, context.clock.now());
    job.record = { ...job.record, leaseEpoch };
  }
}

/** Stores record and handle of a new job, then shows the offer: what is not written down cannot be found again. */
export async function placeJob(
  context: RunnerContext,
  job: DeskJob,
  storeHandle: (handle: RunHandleV1) => Promise<void>,
): Promise<void> {
  job.isAssigning = true;
  context.jobs.set(job.record.runId, job);
  try {
    // At once: a record without a handle is withdrawn by `terminate`, a handle without a record is offered by `reattach`.
    await Promise.all([storeJobRecord(context, job), storeHandle(runnerHandle(job.record.placement))]);
  } catch (error) {
    await abandonJob(context, job);
    throw error;
  } finally {
    job.isAssigning = false;
  }
  showOffer(context, job);
}

/** The handle says that the work is with a runner; the stored record says with which. */
function runnerHandle(placement: RunPlacement): RunHandleV1 {
  return { kind: 'external', formatVersion: 1, ref: { placement: { ...placement } } };
}

/** Where the work of this handle was placed; null = it is no runner's, but of an adapter in this server. */
export function placementFromHandle(handle: RunHandleV1): RunPlacement | null {
  if (handle.kind !== 'external' || !isRecord(handle.ref) || !isRecord(handle.ref.placement)) return null;
  const { runnerId, runnerLabel } = handle.ref.placement;
  if (typeof runnerId === 'string') return { runnerId };
  return typeof runnerLabel === 'string' ? { runnerLabel } : null;
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
