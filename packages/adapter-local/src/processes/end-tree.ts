import { sleep, type TerminationV1 } from '@runbeat/adapter-sdk';
import { processLife } from './process-life.js';
import { type TreeSurvivors, treeSurvivors, type WorkTree } from './work-tree.js';

export interface EndTreeOptions {
  /** Sent first, to everything of the tree. */
  readonly signal: NodeJS.Signals;
  /** How long the tree may take to end by itself before SIGKILL. */
  readonly graceMs: number;
  /** True = group members were seen without a break since the leader lived, see `treeSurvivors`. Default false. */
  readonly isGroupOurs?: boolean;
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
 * after the grace period SIGKILL, again and again for whatever was forked in between. Safe to call twice at once.
 */
export async function endTree(tree: WorkTree, options: EndTreeOptions): Promise<TerminationV1> {
  const first = await look(tree, options.isGroupOurs ?? false, options.abort);
  if (first.all.length === 0) return { stopped: 'already_gone' };
  // From here on members are seen without a break, so the group's id cannot pass to strangers while any is left.
  const isGroupOurs = options.isGroupOurs === true || first.isLeaderAlive;
  signalAll(tree, first, isGroupOurs, options.signal);
  const hasEnded = await waitForEnd(tree, isGroupOurs, options);
  if (hasEnded) return { stopped: 'graceful' };
  options.onForce?.();
  await forceEnd(tree, isGroupOurs, options);
  return { stopped: 'forced' };
}

async function waitForEnd(tree: WorkTree, isGroupOurs: boolean, options: EndTreeOptions): Promise<boolean> {
  const deadline = Date.now() + options.graceMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    // While the leader lives one look at it is enough; the whole list is read only when it has gone.
    const isLeaderAlive = (await processLife(tree.leader)) === 'alive';
    if (!isLeaderAlive && (await isEmpty(tree, isGroupOurs, options.abort))) return true;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) return false;
    await pause(Math.min(pauseMs, leftMs), options.abort);
  }
}

async function forceEnd(tree: WorkTree, isGroupOurs: boolean, options: EndTreeOptions): Promise<void> {
  const stuckAt = Date.now() + stuckAfterMs;
  let isStuckTold = false;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 250)) {
    const survivors = await look(tree, isGroupOurs, options.abort);
    if (survivors.all.length === 0 && (await isEmpty(tree, isGroupOurs, options.abort))) return;
    signalAll(tree, survivors, isGroupOurs, 'SIGKILL');
    if (!isStuckTold && Date.now() > stuckAt) {
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
async function isEmpty(tree: WorkTree, isGroupOurs: boolean, abort: AbortSignal | undefined): Promise<boolean> {
  if ((await look(tree, isGroupOurs, abort)).all.length > 0) return false;
  await sleep(2);
  return (await look(tree, isGroupOurs, abort)).all.length === 0;
}

const lookAgainMs = 500;

/** A system that does not answer (no descriptor left to read the list with) is asked again: not seen is not gone. */
async function look(tree: WorkTree, isGroupOurs: boolean, abort: AbortSignal | undefined): Promise<TreeSurvivors> {
  for (;;) {
    try {
      return await treeSurvivors(tree, isGroupOurs);
    } catch {
      await pause(lookAgainMs, abort);
    }
  }
}

function signalAll(tree: WorkTree, survivors: TreeSurvivors, isGroupOurs: boolean, signal: NodeJS.Signals): void {
  const ownsGroup = tree.groupId !== null && (isGroupOurs || survivors.isLeaderAlive);
  const isGroupMember = (groupId: number): boolean => ownsGroup && groupId === tree.groupId;
  // The group as a whole: a member forked a moment ago is hit too.
  if (ownsGroup && survivors.all.some((row) => isGroupMember(row.groupId))) send(-(tree.groupId as number), signal);
  for (const row of survivors.all) {
    if (!isGroupMember(row.groupId)) send(row.pid, signal);
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
