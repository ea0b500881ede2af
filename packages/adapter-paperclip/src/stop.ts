import type { ProcessHandleV1, TerminationV1 } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';

/** Beyond the grace period: after SIGKILL a process is gone as soon as the kernel gets to it, unless it waits for a disk. */
const KILL_LIMIT_MS = 10_000;

export interface StopOptions {
  readonly runId: string;
  readonly handles: readonly ProcessHandleV1[];
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

/**
 * End every process of a run: ask, wait, force, and look whether they are gone. `isGone` is false when something is
 * alive after all (then the caller must say so and not claim an end).
 */
export async function stopRunProcesses(options: StopOptions): Promise<TerminationV1 & { readonly isGone: boolean }> {
  const { runId, graceMs } = options;
  const abort = AbortSignal.timeout(graceMs + KILL_LIMIT_MS);
  // Without a handle the run's id in the environment is all that tells.
  const roots = options.handles.length > 0 ? options.handles : [null];
  const ended = await Promise.allSettled(
    roots.map((handle) => {
      const tree = { leader: handle, groupId: handle?.processGroupId ?? null, runId, scope: 'run' } as const;
      return endTree(tree, { signal: 'SIGTERM', graceMs, groupTrust: 'unless_reused', abort });
    }),
  );
  const stops = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value.stopped] : []));
  const isGone = stops.length === roots.length;
  if (!isGone || stops.includes('forced')) return { stopped: 'forced', isGone };
  return { stopped: stops.includes('graceful') ? 'graceful' : 'already_gone', isGone };
}
