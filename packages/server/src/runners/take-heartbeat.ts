import type { RunnerClientHealth, RunnerJobReport, RunnerVerdict } from '@runbeat/protocol';
import { judgeJobs } from './judge-jobs.js';
import type { RunnerContext } from './runner-context.js';
import { requireSession } from './session-guard.js';

/** Last seen is written at most this often; the exact time is kept in memory. */
const LAST_SEEN_WRITE_MS = 60_000;

/** `POST …/heartbeat`: renews all leases in one call and answers with the verdicts. */
export async function takeHeartbeat(
  context: RunnerContext,
  runnerId: string,
  request: { readonly sessionId: string; readonly jobs: readonly RunnerJobReport[]; readonly client: RunnerClientHealth },
): Promise<{ jobs: RunnerVerdict[]; serverIncarnation: string }> {
  const link = requireSession(context, runnerId, request.sessionId);
  const nowMs = context.clock.monotonicMs();
  const wasExpired = link.leaseUntilMs <= nowMs;
  link.leaseUntilMs = nowMs + context.settings.runnerLeaseMs;
  link.lastSeenAtMs = nowMs;
  link.client = request.client;
  link.jobs = request.jobs;
  if (wasExpired) context.announceChange();
  const lastSeenAt = context.directory.get(runnerId)?.lastSeenAt ?? null;
  const now = context.clock.now();
  if (lastSeenAt === null || now.getTime() - lastSeenAt.getTime() > LAST_SEEN_WRITE_MS) {
    context.track('store when a runner was last seen', context.directory.patch(runnerId, { lastSeenAt: now }));
  }
  return { jobs: await judgeJobs(context, link, request.jobs), serverIncarnation: context.incarnation };
}
