import type { LogRange } from './plan-log-range.js';
import type { RunnerContext } from './runner-context.js';
import { notFollowed, requireJob, requireSession } from './session-guard.js';

/** `PATCH …/jobs/:runId/log`: stores what is new in the range; `rewind` answers with where to go on. */
export async function takeLog(
  context: RunnerContext,
  runnerId: string,
  runId: string,
  request: { readonly sessionId: string; readonly leaseEpoch: number; readonly range: LogRange; readonly body: Buffer },
): Promise<{ readonly kind: 'stored' | 'rewind'; readonly next: number }> {
  const link = requireSession(context, runnerId, request.sessionId);
  const job = await requireJob(context, link, runId, request.leaseEpoch);
  if (!job?.intake) throw await notFollowed(context, runId);
  const answer = await job.intake.receive(request.range, request.body);
  context.metrics.count('runner_log_bytes_total', {}, request.body.length);
  return answer;
}
