import { isDeepStrictEqual } from 'node:util';
import type { RunnerAdapter, RunnerClientHealth, RunnerJobReport, RunnerVerdict } from '@runbeat/protocol';
import { assignWaitingJobs } from './assign-job.js';
import { judgeJobs } from './judge-jobs.js';
import type { RunnerContext } from './runner-context.js';
import { requireSession } from './session-guard.js';

/** Last seen is written at most this often; the exact time is kept in memory. */
const LAST_SEEN_WRITE_MS = 60_000;

export interface HeartbeatRequest {
  readonly sessionId: string;
  readonly jobs: readonly RunnerJobReport[];
  readonly client: RunnerClientHealth;
  /** What can run there now; absent = as before. */
  readonly adapters?: readonly RunnerAdapter[] | undefined;
}

/** `POST …/heartbeat`: renews all leases in one call and answers with the verdicts. */
export async function takeHeartbeat(
  context: RunnerContext,
  runnerId: string,
  request: HeartbeatRequest,
): Promise<{ jobs: RunnerVerdict[]; serverIncarnation: string }> {
  const link = requireSession(context, runnerId, request.sessionId);
  const nowMs = context.clock.monotonicMs();
  const wasExpired = link.leaseUntilMs <= nowMs;
  link.leaseUntilMs = nowMs + context.settings.runnerLeaseMs;
  link.lastSeenAtMs = nowMs;
  link.client = request.client;
  link.jobs = request.jobs;
  if (wasExpired) context.announceChange();
  context.track('take note of the adapters of a runner', takeAdapters(context, runnerId, request.adapters));
  const lastSeenAt = context.directory.get(runnerId)?.lastSeenAt ?? null;
  const now = context.clock.now();
  if (lastSeenAt === null || now.getTime() - lastSeenAt.getTime() > LAST_SEEN_WRITE_MS) {
    context.track('store when a runner was last seen', context.directory.patch(runnerId, { lastSeenAt: now }));
  }
  return { jobs: await judgeJobs(context, link, request.jobs, false), serverIncarnation: context.incarnation };
}

/** An adapter came or went at the runner: runs that waited for it may start, without a new session. */
async function takeAdapters(
  context: RunnerContext,
  runnerId: string,
  adapters: readonly RunnerAdapter[] | undefined,
): Promise<void> {
  const known = context.directory.get(runnerId)?.adapters;
  if (adapters === undefined || known === undefined || isDeepStrictEqual([...adapters], [...known])) return;
  await context.directory.patch(runnerId, { adapters });
  context.logger.info({ runnerId, adapters: adapters.map((adapter) => adapter.type) }, 'the adapters of a runner changed');
  assignWaitingJobs(context);
  context.announceChange();
}
