import { sleep } from '../sleep.js';
import type { TerminationV1 } from '../v1/index.js';
import { processLife } from './process-life.js';
import type { ProcessRow } from './process-row.js';
import { type GroupTrust, type TreeSurvivors, treeSurvivors, type WorkTree } from './work-tree.js';

export interface EndTreeOptions {
  /** Sent first, to everything of the tree. */
  readonly signal: NodeJS.Signals;
  /** How long the tree may take to end by itself before SIGKILL. */
  readonly graceMs: number;
  /** What is believed of the leader's group when the leader is gone already. Default `none`. */
  readonly groupTrust?: GroupTrust;
  /** Called once before the first SIGKILL. */
  readonly onForce?: () => void;
  /** Called once when something is still alive well after SIGKILL: another user's process, or one stuck in the kernel. */
  readonly onStuck?: (pids: readonly number[]) => void;
  /** Gives up waiting: rejects with the signal's reason. */
  readonly abort?: AbortSignal;
}

const stuckAfterMs = 5_000;

/**
 * Ends a tree and resolves only when a look at the process list has found nothing of it alive: first the polite signal,
 * once to each, after the grace period SIGKILL, again and again for whatever was forked in between. Strangers are never
 * signalled. Safe to call twice at once. Rejects only with the reason of `abort`.
 */
export async function endTree(tree: WorkTree, options: EndTreeOptions): Promise<TerminationV1> {
  const { abort } = options;
  const look = createLook(tree, options.groupTrust ?? 'none', abort);
  let survivors = await look();
  if (survivors.all.length === 0) return { stopped: 'already_gone' };
  const asked = new Set<string>();
  askAll(tree, survivors, options.signal, asked);
  const deadlineMs = performance.now() + options.graceMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    // While the leader lives one look at it is enough; the whole list is read only when it has gone.
    const isLeaderAlive = survivors.isLeaderAlive && tree.leader !== null && (await processLife(tree.leader)) === 'alive';
    if (!isLeaderAlive) {
      survivors = await look();
      if (await isEmpty(survivors, look)) return { stopped: 'graceful' };
      // Whoever appeared since is asked too.
      askAll(tree, survivors, options.signal, asked);
    }
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) break;
    await pause(Math.min(pauseMs, leftMs), abort);
  }
  options.onForce?.();
  await forceEnd(tree, look, options);
  return { stopped: 'forced' };
}

async function forceEnd(tree: WorkTree, look: () => Promise<TreeSurvivors>, options: EndTreeOptions): Promise<void> {
  const stuckAtMs = performance.now() + stuckAfterMs;
  let isStuckTold = false;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 250)) {
    const survivors = await look();
    if (await isEmpty(survivors, look)) return;
    signalAll(tree, survivors, 'SIGKILL');
    if (!isStuckTold && performance.now() > stuckAtMs) {
      isStuckTold = true;
      options.onStuck?.(survivors.all.map((row) => row.pid));
    }
    await pause(pauseMs, options.abort);
  }
}

/**
 * Two looks, since a process in the middle of `execve` shows an empty environment for a moment and could be overlooked
 * by one.
 */
async function isEmpty(survivors: TreeSurvivors, look: () => Promise<TreeSurvivors>): Promise<boolean> {
  if (survivors.all.length > 0) return false;
  await sleep(2);
  return (await look()).all.length === 0;
}

const lookAgainMs = 500;

/**
 * One look after the other at a tree that is being ended. What was seen of it stays known, so that it counts also when its
 * parents have ended and it carries no cookie, and members of the group that are seen without a break keep its id from
 * strangers. A system that does not answer (no descriptor left to read the list with) is asked again: not seen is not gone.
 */
function createLook(tree: WorkTree, firstTrust: GroupTrust, abort: AbortSignal | undefined): () => Promise<TreeSurvivors> {
  let groupTrust = firstTrust;
  const known = new Map<number, ProcessRow>();
  return async () => {
    for (;;) {
      try {
        const survivors = await treeSurvivors(tree, { groupTrust, known });
        const isGroupSeen = survivors.ownsGroup && survivors.all.some((row) => row.groupId === tree.groupId);
        groupTrust = isGroupSeen ? 'proven' : firstTrust === 'proven' ? 'none' : firstTrust;
        for (const row of survivors.all) known.set(row.pid, row);
        return survivors;
      } catch {
        await pause(lookAgainMs, abort);
      }
    }
  };
}

/** Signals those that were not asked before; `asked` holds pid and start, since pids come back. */
function askAll(tree: WorkTree, survivors: TreeSurvivors, signal: NodeJS.Signals, asked: Set<string>): void {
  const unasked = survivors.all.filter((row) => !asked.has(nameOf(row)));
  if (asked.size === 0) signalAll(tree, survivors, signal);
  else for (const row of unasked) send(row.pid, signal);
  for (const row of unasked) asked.add(nameOf(row));
}

const nameOf = (row: ProcessRow): string => `${row.pid} ${row.startTicks ?? row.startedAtMs}`;

function signalAll(tree: WorkTree, { all, ownsGroup }: TreeSurvivors, signal: NodeJS.Signals): void {
  const isGroupMember = (row: ProcessRow): boolean => ownsGroup && row.groupId === tree.groupId;
  // The group as a whole: a member forked a moment ago is hit too.
  if (all.some(isGroupMember)) send(-(tree.groupId as number), signal);
  for (const row of all) {
    if (!isGroupMember(row)) send(row.pid, signal);
  }
}

/** ESRCH: it ended by itself. EPERM: another user's process; it stays on the list and `onStuck` tells of it. */
function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function pause(ms: number, abort: AbortSignal | undefined): Promise<void> {
  if ((await sleep(ms, abort)) === 'aborted') throw abort?.reason;
}
