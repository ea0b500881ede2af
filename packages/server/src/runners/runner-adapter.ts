import {
  type AbortReasonV1,
  AdapterError,
  type AdapterV1,
  type ExecuteContextV1,
  type Json,
  type LivenessV1,
  type ReattachContextV1,
  type RunResultV1,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { RunnerAbort, RunnerJobSpec } from '@runbeat/protocol';
import type { RunPlacement } from '../supervisor/model/index.js';
import { chooseRunner, showOffer } from './assign-job.js';
import { type AttachedRun, createDeskJob, type DeskJob } from './desk-job.js';
import { logCursorFromText, startOfLog } from './log-cursor.js';
import type { RunnerContext } from './runner-context.js';
import { nextLeaseEpoch, type RunnerJobRecord } from './runner-job-record.js';
import { notifyLink } from './runner-link.js';
import { abandonJob, loseJob } from './sweep-jobs.js';

/** Any JSON goes: the adapter on the runner checks the config with its own schema. */
const anyConfig: AdapterV1['configSchema'] = {
  '~standard': { version: 1, vendor: 'runbeat', validate: (value) => ({ value }) },
};

const WATCH_TERMINATION_MS = 50;

/**
 * The adapter that runs `adapterType` on a runner. To the supervisor it is an out-of-process adapter like any other: the
 * handle says that the run is with a runner, the stored record says with which, and the cursor is the place in its log.
 */
export function createRunnerAdapter(context: RunnerContext, adapterType: string, placement: RunPlacement): AdapterV1 {
  return {
    specVersion: 'adapter-v1',
    type: adapterType,
    configSchema: anyConfig,
    hasOutOfProcessLiveness: true,
    execute: (run) => execute(context, adapterType, placement, run),
    outOfProcess: {
      kind: 'handle',
      probe: (query) => probe(context, query.runId),
      reattach: (run) => reattach(context, adapterType, placement, run),
      terminate: (run) => terminate(context, run),
    },
  };
}

async function execute(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  run: ExecuteContextV1,
): Promise<RunResultV1> {
  const job = createDeskJob({
    record: newRecord(context, adapterType, placement, run, run.previousSession),
    attached: attachedRun(adapterType, run, run.previousSession, null),
    offerUntilMs: Number.POSITIVE_INFINITY,
    leaseUntilMs: context.clock.monotonicMs() + context.settings.runnerDisconnectGraceMs,
  });
  // Nobody may see the offer before record and handle are stored: what is not written down cannot be found again.
  job.isAssigning = true;
  context.jobs.set(run.runId, job);
  try {
    // At once: a record without a handle is withdrawn by `terminate`, a handle without a record is offered by `reattach`.
    await Promise.all([
      storeNewRecord(context, job),
      run.onSpawn({ kind: 'external', formatVersion: 1, ref: { placement: { ...placement } } }),
    ]);
  } catch (error) {
    await abandonJob(context, job);
    throw error;
  } finally {
    job.isAssigning = false;
  }
  showOffer(context, job);
  return await follow(context, job, run.signal);
}

async function reattach(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  run: ReattachContextV1,
): Promise<RunResultV1> {
  const [stored] = await context.store.findJobs([run.runId]);
  const previousSession = stored?.previousSession ?? null;
  const nowMs = context.clock.monotonicMs();
  const job = createDeskJob({
    record: stored ?? newRecord(context, adapterType, placement, run, null),
    attached: attachedRun(adapterType, run, previousSession, run.afterCursor),
    offerUntilMs: nowMs + context.settings.runnerOfferMs,
    // The silence before this moment may have been ours, so every runner gets a whole lease and grace from now on.
    leaseUntilMs:
      nowMs + (stored?.state === 'leased' ? context.settings.runnerLeaseMs : context.settings.runnerDisconnectGraceMs),
  });
  context.jobs.set(run.runId, job);
  if (stored === undefined) await storeNewRecord(context, job);
  if (stored?.state === 'lost' || stored?.state === 'done') {
    loseJob(context, job, 'runner_lost', 'The run was given up, or its runner let it go, before this server took it over.');
  } else showOffer(context, job);
  return await follow(context, job, run.signal);
}

/** Waits for the result; hands aborts on. */
async function follow(context: RunnerContext, job: DeskJob, signal: AbortSignal): Promise<RunResultV1> {
  const onAbort = (): void => {
    const reason = signal.reason as AbortReasonV1;
    if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') letGo(context, job);
    else cancelJob(context, job, abortFromReason(reason));
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await job.settled;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** This server stops following the run; the runner goes on and finds whoever follows it next. */
function letGo(context: RunnerContext, job: DeskJob): void {
  context.jobs.delete(job.record.runId);
  job.settle({ status: 'detached' });
}

function cancelJob(context: RunnerContext, job: DeskJob, abort: RunnerAbort): void {
  if (job.isSettled) return;
  job.cancel ??= abort;
  if (job.record.state === 'offered') {
    // Nobody claimed it: nothing runs anywhere.
    context.track('withdraw an offer', abandonJob(context, job));
    job.settle(
      abort.kind === 'timed_out'
        ? { status: 'timed_out', limitMs: abort.limitMs ?? 0, forced: false }
        : { status: 'cancelled', forced: false },
    );
    return;
  }
  const link = job.record.runnerId === null ? undefined : context.links.get(job.record.runnerId);
  if (link) notifyLink(link);
}

async function probe(context: RunnerContext, runId: string): Promise<LivenessV1> {
  const record = context.jobs.get(runId)?.record ?? (await context.store.findJobs([runId]))[0];
  // No record, or an unclaimed one: it was never started, and `reattach` offers it (again).
  if (!record || record.state === 'offered') return { state: 'alive' };
  if (record.state !== 'leased') return { state: 'gone' };
  const { runnerLeaseMs, runnerDisconnectGraceMs } = context.settings;
  const job = context.jobs.get(runId);
  const leaseUntilMs = job?.leaseUntilMs ?? context.startedAtMs + runnerLeaseMs;
  const isLost = context.clock.monotonicMs() > leaseUntilMs + runnerDisconnectGraceMs + runnerLeaseMs;
  const isHeard = record.runnerId !== null && (context.links.get(record.runnerId)?.jobs ?? []).some((one) => one.runId === runId);
  return isLost && !isHeard ? { state: 'gone' } : { state: 'alive' };
}

async function terminate(context: RunnerContext, run: TerminateContextV1): Promise<TerminationV1> {
  const known = context.jobs.get(run.runId);
  const record = known?.record ?? (await context.store.findJobs([run.runId]))[0];
  if (!record || record.state === 'done' || record.state === 'lost') return { stopped: 'already_gone' };
  const job =
    known ??
    createDeskJob({
      record,
      attached: null,
      offerUntilMs: Number.POSITIVE_INFINITY,
      leaseUntilMs: context.clock.monotonicMs() + context.settings.runnerLeaseMs,
    });
  context.jobs.set(run.runId, job);
  if (record.state === 'offered') {
    await abandonJob(context, job);
    return { stopped: 'already_gone' };
  }
  cancelJob(context, job, { kind: 'cancelled', message: run.reason, limitMs: null });
  while (!job.isSettled && !job.isWorkOver && job.record.state === 'leased') {
    if (run.signal.aborted) {
      throw new AdapterError(
        'runner_lost',
        `Runner ${record.runnerId} has not confirmed that the run stopped. It is told again as soon as it is heard.`,
        { retryable: true },
      );
    }
    await new Promise<void>((resolve) => {
      context.clock.setTimer(WATCH_TERMINATION_MS, resolve);
    });
  }
  if (job.attached === null) await abandonJob(context, job);
  return { stopped: 'graceful' };
}

function newRecord(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  run: Pick<ExecuteContextV1, 'runId' | 'agent'>,
  previousSession: Json,
): RunnerJobRecord {
  const now = context.clock.now();
  const { companyId } = run.agent;
  return {
    runId: run.runId,
    companyId,
    runnerId: chooseRunner(context, { adapterType, placement, companyId }),
    homeId: null,
    leaseEpoch: nextLeaseEpoch(0, now),
    state: 'offered',
    adapterType,
    placement,
    previousSession,
    createdAt: now,
    updatedAt: now,
  };
}

/** A run that is executed anew under its old id (its host died while starting it) goes on above the epochs it had. */
async function storeNewRecord(context: RunnerContext, job: DeskJob): Promise<void> {
  while (!(await context.store.putJob(job.record))) {
    const [stored] = await context.store.findJobs([job.record.runId]);
    const leaseEpoch = nextLeaseEpoch(stored?.leaseEpoch ?? job.record.leaseEpoch, context.clock.now());
    job.record = { ...job.record, leaseEpoch };
  }
}

function attachedRun(
  adapterType: string,
  run: ExecuteContextV1 | ReattachContextV1,
  previousSession: Json,
  afterCursor: string | null,
): AttachedRun {
  const { runId, attempt, config, agent, input, environment } = run;
  const spec = { runId, attempt, adapterType, config: config as Json, agent, input, previousSession, environment };
  return {
    spec: spec as unknown as RunnerJobSpec,
    sinks: run,
    startOfLog: afterCursor === null ? startOfLog : logCursorFromText(afterCursor),
  };
}

function abortFromReason(reason: AbortReasonV1): RunnerAbort {
  return {
    kind: reason.kind === 'timed_out' ? 'timed_out' : 'cancelled',
    message: reason.message ?? null,
    limitMs: reason.limitMs ?? null,
  };
}
