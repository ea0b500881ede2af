import { type ProcessHandleV1, sleep, type TerminationV1 } from '@runbeat/adapter-sdk';
import type { ProcessEntry } from './processes/process-table.js';
import { findRunProcesses } from './processes/run-processes.js';

/** Between two looks at what is still alive, in ms. */
const LOOK_INTERVAL_MS = 50;
/** After SIGKILL a process is gone as soon as the kernel gets to it; one in an uninterruptible wait may take longer. */
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
  const known = new Map<number, ProcessEntry>();
  const look = async (): Promise<number[]> => {
    const found = await findRunProcesses({ runId: options.runId, roots: options.handles, known });
    if (found === null) return options.handles.map((handle) => handle.pid).filter(isAlive);
    for (const entry of found.values()) known.set(entry.pid, entry);
    return [...found.keys()];
  };
  const waitUntilGone = async (signal: 'SIGTERM' | 'SIGKILL', limitMs: number): Promise<boolean> => {
    const signalled = new Set<number>();
    const deadline = performance.now() + limitMs;
    for (;;) {
      const alive = await look();
      if (alive.length === 0) return true;
      // A process is asked once; one that appeared since is asked too. SIGKILL is sent until it has worked.
      for (const pid of alive) if (signal === 'SIGKILL' || !signalled.has(pid)) send(pid, signal);
      for (const pid of alive) signalled.add(pid);
      if (performance.now() >= deadline) return false;
      await sleep(LOOK_INTERVAL_MS);
    }
  };

  if ((await look()).length === 0) return { stopped: 'already_gone', isGone: true };
  if (await waitUntilGone('SIGTERM', options.graceMs)) return { stopped: 'graceful', isGone: true };
  return { stopped: 'forced', isGone: await waitUntilGone('SIGKILL', KILL_LIMIT_MS) };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It went away between the look and the signal, or belongs to somebody else; the next look tells.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
