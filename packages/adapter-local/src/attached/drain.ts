import { sleep } from '@runbeat/adapter-sdk';
import { leftoverPids } from '../run/end-watch.js';
import { defaultSignal, type ProcessSpec } from '../run/process-spec.js';
import { type AttachedTree, attachedWorkTree, endAttached } from './end-attached.js';
import type { OutputPump } from './output-pump.js';

/** How long a descendant that holds the pipes may go on writing after the child has ended. */
const drainMs = 1_000;
const lookMs = 25;

/**
 * Waits for the rest of the output after the child's end, however slowly the host takes it, and for members of its group
 * that work on. Those, and any descendant that holds the pipes, are ended after the drain time; a holder that cannot even
 * be found is left behind once it has been silent as long.
 * @returns what became of those that outlived the child; null = nobody did for long.
 */
export async function drainOutput(
  pumps: readonly OutputPump[],
  tree: AttachedTree,
  spec: ProcessSpec,
): Promise<'ended' | 'left_behind' | null> {
  const done = Promise.all(pumps.map((pump) => pump.done));
  // On Windows the tree cannot be found any more once its root has gone.
  if (process.platform === 'win32') return (await settlesUnlessIdle(done, pumps)) ? null : 'left_behind';
  const deadline = Date.now() + drainMs;
  // Once the group was seen empty its id may be given to strangers: then only the run's cookie counts.
  let isGroupAlive = true;
  for (;;) {
    const isDone = await settlesWithin(done, lookMs);
    if (isGroupAlive) isGroupAlive = (await leftoverPids(attachedWorkTree(tree), true)).length > 0;
    if (isDone && !isGroupAlive) return null;
    if (Date.now() > deadline) break;
    if (isDone) await sleep(lookMs);
  }
  const options = {
    signal: spec.signal ?? defaultSignal,
    graceMs: drainMs,
    groupTrust: isGroupAlive ? 'proven' : 'none',
  } as const;
  const { stopped } = await endAttached(tree, options);
  if (!(await settlesUnlessIdle(done, pumps))) return 'left_behind';
  return stopped === 'already_gone' ? null : 'ended';
}

/** False = a pipe is held open by somebody who has been silent for the drain time. */
async function settlesUnlessIdle(done: Promise<unknown>, pumps: readonly OutputPump[]): Promise<boolean> {
  for (let idleSince = Date.now(); !(await settlesWithin(done, lookMs)); ) {
    if (!pumps.every((pump) => pump.isIdle)) idleSince = Date.now();
    if (Date.now() - idleSince > drainMs) return false;
  }
  return true;
}

async function settlesWithin(done: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return (await Promise.race([done.then(() => 'done'), sleep(ms, timer.signal)])) === 'done';
  } finally {
    timer.abort();
  }
}
