import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { isSameProcessAlive } from '../home/process-identity.js';

const CHECK_MS = 25;

/**
 * Ends the process group of an attached adapter whose host, an earlier runner, died. Nothing is signalled unless the
 * recorded process is proved to be the same one (pid, start time, boot); a stranger with a reused pid is left alone.
 */
export async function endProcessGroup(handle: ProcessHandleV1, graceMs: number): Promise<'already_gone' | 'graceful' | 'forced'> {
  if (!isSameProcessAlive(handle)) return 'already_gone';
  signal(handle, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += CHECK_MS) {
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    if (!isSameProcessAlive(handle)) return 'graceful';
  }
  signal(handle, 'SIGKILL');
  return 'forced';
}

function signal(handle: ProcessHandleV1, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(handle.processGroupId === null ? handle.pid : -handle.processGroupId, name);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
