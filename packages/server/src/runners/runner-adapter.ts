import {
  AdapterError,
  type AdapterV1,
  type ExecuteContextV1,
  type InteractiveProtocolV1,
  type Json,
  type LivenessV1,
  type ReattachContextV1,
  type RunResultV1,
  type TerminateContextV1,
  type TerminationV1,
} from '@runbeat/adapter-sdk';
import type { RunnerJobSpec } from '@runbeat/protocol';
import type { RunPlacement } from '../supervisor/model/index.js';
import { showOffer } from './assign-job.js';
import { type AttachedJob, createDeskJob, type DeskJob } from './desk-job.js';
import { cancelJob, obeyAborts } from './end-job.js';
import { runJobSinks } from './job-sinks.js';
import { logCursorFromText, startOfLog } from './log-cursor.js';
import { type JobWish, newJobRecord, placeJob, storeJobRecord } from './place-job.js';
import type { RunnerContext } from './runner-context.js';
import { createRunnerInteractive } from './runner-interactive.js';
import { abandonJob, loseJob } from './sweep-jobs.js';

/** Any JSON goes: the adapter on the runner checks the config with its own schema. */
const anyConfig: AdapterV1['configSchema'] = {
  '~standard': { version: 1, vendor: 'runbeat', validate: (value) => ({ value }) },
};

const WATCH_TERMINATION_MS = 50;

/**
 * The adapter that runs `adapterType` on a runner. To the supervisor it is an out-of-process adapter like any other: the
 * handle says that the run is with a runner, the stored record says with which, and the cursor is the place in its log.
 * `protocol` is that of its sessions; null = the runner's adapter takes single runs only.
 */
export function createRunnerAdapter(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  protocol: InteractiveProtocolV1 | null,
): AdapterV1 {
  return {
    specVersion: 'adapter-v1',
    type: adapterType,
    configSchema: anyConfig,
    hasOutOfProcessLiveness: true,
    ...(protocol === null ? {} : { interactive: createRunnerInteractive(context, adapterType, placement, protocol) }),
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
    record: newJobRecord(context, wishOf(adapterType, placement, run, run.previousSession)),
    attached: attachedRun(adapterType, run, run.previousSession, null),
    offerUntilMs: Number.POSITIVE_INFINITY,
    leaseUntilMs: context.clock.monotonicMs() + context.settings.runnerDisconnectGraceMs,
  });
  await placeJob(context, job, (handle) => run.onSpawn(handle));
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
    record: stored ?? newJobRecord(context, wishOf(adapterType, placement, run, null)),
    attached: attachedRun(adapterType, run, previousSession, run.afterCursor),
    offerUntilMs: nowMs + context.settings.runnerOfferMs,
    // The silence before this moment may have been ours, so every runner gets a whole lease and grace from now on.
    leaseUntilMs:
      nowMs + (stored?.state === 'leased' ? context.settings.runnerLeaseMs : context.settings.runnerDisconnectGraceMs),
  });
  context.jobs.set(run.runId, job);
  if (stored === undefined) await storeJobRecord(context, job);
  if (stored?.state === 'lost' || stored?.state === 'done') {
    loseJob(context, job, 'runner_lost', 'The run was given up, or its runner let it go, before this server took it over.');
  } else showOffer(context, job);
  return await follow(context, job, run.signal);
}

/** Waits for the result; hands aborts on. */
async function follow(context: RunnerContext, job: DeskJob, signal: AbortSignal): Promise<RunResultV1> {
  const unlink = obeyAborts(context, job, signal);
  try {
    return await job.settled;
  } finally {
    unlink();
  }
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
  cancelJob(context, job, { kind: 'cancelled', message: run.reason, limitMs: null, graceMs: null });
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

function attachedRun(
  adapterType: string,
  run: ExecuteContextV1 | ReattachContextV1,
  previousSession: Json,
  afterCursor: string | null,
): AttachedJob {
  const { runId, attempt, config, agent, input, environment } = run;
  const spec = { runId, attempt, adapterType, config: config as Json, agent, input, previousSession, environment };
  return {
    spec: { ...spec, session: null } as unknown as RunnerJobSpec,
    sinks: runJobSinks(run),
    session: null,
    startOfLog: afterCursor === null ? startOfLog : logCursorFromText(afterCursor),
  };
}

function wishOf(
  adapterType: string,
  placement: RunPlacement,
  run: Pick<ExecuteContextV1, 'runId' | 'agent'>,
  previousSession: Json,
): JobWish {
  return { runId: run.runId, sessionId: null, companyId: run.agent.companyId, adapterType, placement, previousSession };
}
