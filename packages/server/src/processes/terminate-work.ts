import { type ProcessHandleV1, sleep } from '@runbeat/adapter-sdk';
import type { ProcessEntry } from './process-entry.js';
import type { ProcessSource } from './process-source.js';
import { type WorkGroup, workGroup } from './work-group.js';

interface Survivors {
  readonly group: WorkGroup;
  /** Carry the run's cookie and left the group (`setsid`). */
  readonly others: readonly ProcessEntry[];
}

const pollMs = 25;

/**
 * TERM to the recorded process, its group and whatever carries the run's cookie; after the grace period KILL, again and
 * again, until a look at the list finds nothing of it. Rejects with the signal's reason when that aborts first.
 */
export async function terminateWork(
  source: ProcessSource,
  handle: ProcessHandleV1,
  options: { readonly runId: string; readonly graceMs: number; readonly signal?: AbortSignal },
): Promise<'already_gone' | 'graceful' | 'forced'> {
  const look = (): Promise<Survivors> => survivorsOf(source, handle, options.runId);
  let left = await look();
  if (isEmpty(left)) return 'already_gone';
  signalAll(left, handle, 'SIGTERM');
  const killAtMs = performance.now() + options.graceMs;
  for (;;) {
    await sleep(pollMs, options.signal);
    options.signal?.throwIfAborted();
    left = await look();
    if (isEmpty(left)) return performance.now() < killAtMs ? 'graceful' : 'forced';
    if (performance.now() >= killAtMs) break;
  }
  for (;;) {
    signalAll(left, handle, 'SIGKILL');
    await sleep(pollMs, options.signal);
    options.signal?.throwIfAborted();
    left = await look();
    if (isEmpty(left)) return 'forced';
  }
}

async function survivorsOf(source: ProcessSource, handle: ProcessHandleV1, runId: string): Promise<Survivors> {
  const entries = await source.list();
  const group = workGroup(handle, entries);
  const known = new Set([group.leader, ...group.members].map((entry) => entry?.pid));
  const others: ProcessEntry[] = [];
  for (const entry of entries) {
    // A server that was started inside a run carries that run's cookie itself.
    if (known.has(entry.pid) || entry.isZombie || entry.pid === process.pid) continue;
    if ((await source.runIdOf(entry.pid)) === runId) others.push(entry);
  }
  return { group, others };
}

function isEmpty({ group, others }: Survivors): boolean {
  return group.leader === null && group.members.length === 0 && others.length === 0;
}

function signalAll({ group, others }: Survivors, handle: ProcessHandleV1, signal: NodeJS.Signals): void {
  const isGroupAlive = group.leader !== null || group.members.length > 0;
  // The group as a whole, so that a member forked a moment ago is hit too.
  if (isGroupAlive && handle.processGroupId !== null) send(-handle.processGroupId, signal);
  else if (group.leader) send(group.leader.pid, signal);
  for (const entry of others) send(entry.pid, signal);
}

/** ESRCH: it ended by itself. EPERM: another user's; it stays on the list and the caller's limit ends the waiting. */
function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
