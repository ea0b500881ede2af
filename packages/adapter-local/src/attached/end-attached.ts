import type { ProcessHandleV1, TerminationV1 } from '@runbeat/adapter-sdk';
import type { WorkTree } from '@runbeat/adapter-sdk/processes';
import { type EndTreeOptions, endTree } from '@runbeat/adapter-sdk/processes';
import { execa } from 'execa';

/** A child with its descendants, as `local-attached` runs it. */
export interface AttachedTree {
  readonly handle: ProcessHandleV1;
  readonly runId: string;
  /** Resolves when the direct child has ended. */
  readonly exited: Promise<unknown>;
}

/** Ends a child and all its descendants; resolves when nothing of them is alive. */
export async function endAttached(tree: AttachedTree, options: EndTreeOptions): Promise<TerminationV1> {
  if (process.platform === 'win32') return await endOnWindows(tree, options);
  return await endTree(attachedWorkTree(tree), options);
}

export function attachedWorkTree(tree: AttachedTree): WorkTree {
  return { leader: tree.handle, groupId: tree.handle.processGroupId, runId: tree.runId, scope: 'run' };
}

/**
 * Windows knows no signal that a console program could handle from here, and no groups: the tree is ended by force, as
 * `taskkill` finds it by its parents while they live.
 */
async function endOnWindows(tree: AttachedTree, options: EndTreeOptions): Promise<TerminationV1> {
  options.onForce?.();
  await execa('taskkill', ['/PID', String(tree.handle.pid), '/T', '/F'], { reject: false });
  await tree.exited;
  return { stopped: 'forced' };
}
