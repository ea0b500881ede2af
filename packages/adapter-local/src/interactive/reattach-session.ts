import { existsSync } from 'node:fs';
import type { SessionReattachContextV1, SessionWorkerV1 } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import { runFolder } from '../capsule/run-folder.js';
import type { LocalConfig } from '../config.js';
import { workTree } from '../run/supervised-run.js';
import { parseSpoolCursor } from '../spool/spool-cursor.js';
import { readProtocolState } from './protocol-state.js';
import { type SessionOptions, talkTo, watchCapsule } from './session-parts.js';

/**
 * Takes a worker over from an earlier host. One that has ended in the meantime is taken over, too: it still hands on what
 * it said, then its `exited`. Null = there is nothing of it, or its conversation was never opened; what was left is ended.
 */
export async function reattachSession(
  context: SessionReattachContextV1<LocalConfig>,
  options: SessionOptions,
): Promise<SessionWorkerV1 | null> {
  const { handle } = context;
  const folder = runFolder(options.runsDirectory, context.workerId);
  if (handle.kind !== 'process' || !existsSync(folder.stdout)) return null;
  const state = readProtocolState(folder);
  if (state === null) {
    await endTree(workTree({ handle, runId: context.workerId }), { signal: 'SIGTERM', graceMs: 2_000 });
    return null;
  }
  const watched = watchCapsule(context, folder, handle);
  await watched.phase.checkLife();
  const { promptsInFlight, requestsOpen } = context;
  const from = parseSpoolCursor(context.afterCursor);
  return talkTo(context, watched, { state, promptsInFlight, requestsOpen, from }, options).worker;
}
