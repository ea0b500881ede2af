import type { RunnerMessage } from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import { assignWaitingJobs } from './assign-job.js';
import type { RunnerContext } from './runner-context.js';
import type { RunnerLink } from './runner-link.js';
import { requireSession } from './session-guard.js';

/** A message that is not acknowledged yet is repeated this often, within the wait of one poll. */
const REPEAT_AFTER_MS = 1_000;

export interface PollRequest {
  readonly sessionId: string;
  readonly cursor: number;
  readonly waitMs: number;
  readonly freeSlots: number;
}

/**
 * `POST …/poll`: held until there is something to tell that the runner has not heard (its cursor is older), until what
 * it heard was left unacknowledged for a while, or until the wait is over.
 */
export async function answerPoll(
  context: RunnerContext,
  runnerId: string,
  request: PollRequest,
  signal: AbortSignal,
): Promise<{ messages: RunnerMessage[]; cursor: number; serverIncarnation: string }> {
  const link = requireSession(context, runnerId, request.sessionId);
  if (request.cursor > link.version)
    throw new ServerError('session_resync', 'The cursor is not of this session. Open a new one.');
  const startMs = context.clock.monotonicMs();
  const isNewcomer = link.lastPollAtMs === null || link.freeSlots !== request.freeSlots;
  link.lastPollAtMs = startMs;
  link.lastSeenAtMs = startMs;
  link.freeSlots = request.freeSlots;
  assignWaitingJobs(context);
  if (isNewcomer) context.announceChange();

  for (;;) {
    const messages = messagesFor(context, link);
    const heldMs = context.clock.monotonicMs() - startMs;
    const isNews = link.version !== request.cursor;
    const waitMs = messages.length > 0 ? Math.min(REPEAT_AFTER_MS, request.waitMs) : request.waitMs;
    if ((messages.length > 0 && isNews) || heldMs >= waitMs) {
      link.lastPollAtMs = context.clock.monotonicMs();
      return { messages, cursor: link.version, serverIncarnation: context.incarnation };
    }
    await hold(context, link, waitMs - heldMs, signal);
    requireSession(context, runnerId, request.sessionId);
    if (signal.aborted) throw new ServerError('server_closed', 'The poll was given up by its runner.');
  }
}

function hold(context: RunnerContext, link: RunnerLink, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // A second poll of the same session means that the first one's answer is awaited by nobody: let it go.
    link.wakePoll?.();
    const end = (): void => {
      cancelTimer();
      signal.removeEventListener('abort', end);
      if (link.wakePoll === end) link.wakePoll = null;
      resolve();
    };
    const cancelTimer = context.clock.setTimer(Math.max(1, ms), end);
    link.wakePoll = end;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

/** Everything that the runner has not acknowledged by the state it reports. */
function messagesFor(context: RunnerContext, link: RunnerLink): RunnerMessage[] {
  const messages: RunnerMessage[] = [];
  for (const job of context.jobs.values()) {
    const { runnerId, homeId, runId, leaseEpoch, adapterType } = job.record;
    if (runnerId !== link.runnerId || job.isSettled || job.isAssigning) continue;
    if (homeId !== null && homeId !== link.homeId) continue;
    if (!job.isAcknowledged && job.cancel === null) messages.push({ kind: 'offer', runId, leaseEpoch, adapterType });
    const commands = job.record.state === 'leased' ? (job.attached?.session?.commands() ?? []) : [];
    if (commands.length > 0 && job.cancel === null) messages.push({ kind: 'stdin', runId, leaseEpoch, commands: [...commands] });
    if (job.cancel !== null && !job.isWorkOver) messages.push({ kind: 'cancel', runId, leaseEpoch, reason: job.cancel });
  }
  return messages;
}
