import { ServerError } from '../server-error.js';
import type { DeskJob } from './desk-job.js';
import type { RunnerContext } from './runner-context.js';
import { isReclaimable } from './runner-job-record.js';
import type { RunnerLink } from './runner-link.js';

/** The runner's link if this is its current session; otherwise rejects with what the runner must do. */
export function requireSession(context: RunnerContext, runnerId: string, sessionId: string): RunnerLink {
  if (context.isStopping) throw new ServerError('server_closed', 'The server is stopping. Try again in a moment.');
  const link = context.links.get(runnerId);
  if (link?.sessionId === sessionId) return link;
  if (link) {
    throw new ServerError('session_superseded', 'A newer session of this runner is open. Only one process may use a runner id.');
  }
  throw new ServerError('session_resync', 'This server process does not know the session. Open a new one.');
}

/** The job under this epoch, or `run_fenced`. `null` = the run is not attached here (yet), although nobody else has it. */
export async function requireJob(
  context: RunnerContext,
  link: RunnerLink,
  runId: string,
  leaseEpoch: number,
): Promise<DeskJob | null> {
  const job = context.jobs.get(runId);
  const record = job?.record ?? (await context.store.findJobs([runId]))[0];
  if (!record) {
    const status = await context.runStatus(runId);
    if (status === 'ended') throw fenced(runId);
    throw new ServerError('run_unknown', `This server has no job ${runId} on a runner. Keep the work until the grace is over.`);
  }
  // What is written under the old epoch waits for the claim; refusing it would end work that goes on.
  if (isReclaimable(record, { runnerId: link.runnerId, leaseEpoch })) throw notAttached();
  const isHolder =
    record.runnerId === link.runnerId &&
    record.leaseEpoch === leaseEpoch &&
    (record.homeId === null || record.homeId === link.homeId);
  if (!isHolder || record.state === 'lost') throw fenced(runId);
  return job ?? null;
}

export function fenced(runId: string): ServerError {
  return new ServerError('run_fenced', `Run ${runId} ended or was given to somebody else. Stop its work and drop it.`);
}

/** Why a job that is not followed here takes no log and no claim: for the moment, or because its run is over. */
export async function notFollowed(context: RunnerContext, runId: string): Promise<ServerError> {
  if ((await context.runStatus(runId)) === 'ended') return fenced(runId);
  return notAttached();
}

function notAttached(): ServerError {
  return new ServerError('run_not_attached', 'The run is not executed by this server at the moment. Try again in a second.');
}
