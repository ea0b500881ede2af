import type { RunnerSessionOpen, RunnerSessionOpened, RunnerVerdict } from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import { createRandomId } from '../supervisor/model/index.js';
import { assignWaitingJobs } from './assign-job.js';
import { isWrittenDown, judgeJobs } from './judge-jobs.js';
import { isReachable, type RunnerContext } from './runner-context.js';
import type { RunnerLink } from './runner-link.js';
import type { RunnerRecord } from './runner-record.js';

/** `POST …/sessions`: the runner (again) connects, tells what it has, and hears what to do with it. */
export async function openSession(
  context: RunnerContext,
  runner: RunnerRecord,
  request: RunnerSessionOpen,
): Promise<RunnerSessionOpened> {
  if (context.isStopping) throw new ServerError('server_closed', 'The server is stopping. Try again in a moment.');
  const before = context.links.get(runner.id);
  if (before && !request.isTakeover && before.instanceId !== request.instanceId && isReachable(context, before)) {
    throw new ServerError('session_active', 'Another process uses this runner id and is connected. Stop one of the two.');
  }
  const { name, labels, adapters, slots, version } = request;
  await context.directory.patch(runner.id, { name, labels, adapters, slots, version, lastSeenAt: context.clock.now() });

  const nowMs = context.clock.monotonicMs();
  const link: RunnerLink = {
    runnerId: runner.id,
    sessionId: createRandomId(),
    homeId: request.homeId,
    instanceId: request.instanceId,
    version: 0,
    freeSlots: 0,
    lastPollAtMs: null,
    lastSeenAtMs: nowMs,
    leaseUntilMs: nowMs + context.settings.runnerLeaseMs,
    client: null,
    jobs: request.jobs,
    wakePoll: null,
  };
  // From here on the older session is refused; its held poll is answered so.
  context.links.set(runner.id, link);
  before?.wakePoll?.();
  context.metrics.count('runner_sessions_total');
  context.logger.info(
    { runnerId: runner.id, sessionId: link.sessionId, jobs: request.jobs.length, isReplacing: before !== undefined },
    'runner connected',
  );

  forgetAcknowledgements(context, link, request);
  const jobs: RunnerVerdict[] = await judgeJobs(context, link, request.jobs, true);
  assignWaitingJobs(context);
  return {
    sessionId: link.sessionId,
    serverIncarnation: context.incarnation,
    pollWaitMs: context.settings.runnerPollWaitMs,
    heartbeatMs: context.settings.runnerHeartbeatMs,
    leaseMs: context.settings.runnerLeaseMs,
    disconnectGraceMs: context.settings.runnerDisconnectGraceMs,
    jobs,
  };
}

/**
 * A job that this home holds according to us and does not report was never written down there: its claim's answer was
 * lost, so it is offered again. (A home writes a claimed job down before anything else, and forgets it only when its
 * end was accepted.) Jobs of another home are left to their lease: that machine may still work on them.
 */
function forgetAcknowledgements(context: RunnerContext, link: RunnerLink, request: RunnerSessionOpen): void {
  const reported = new Set(request.jobs.filter(isWrittenDown).map((job) => job.runId));
  for (const job of context.jobs.values()) {
    const { runnerId, homeId } = job.record;
    if (runnerId === link.runnerId && (homeId === null || homeId === link.homeId) && !reported.has(job.record.runId)) {
      job.isAcknowledged = false;
    }
  }
}
