import type { ProcessHandleV1, TerminationV1 } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';

/**
 * Ends what an attached adapter left whose host, an earlier runner, died: the recorded process, its group and whatever
 * carries the run's id; resolves when nothing of it lives. A stranger with a reused pid, or of another boot, is left alone.
 */
export function endProcessGroup(handle: ProcessHandleV1, runId: string, graceMs: number): Promise<TerminationV1> {
  const tree = { leader: handle, groupId: handle.processGroupId, runId, scope: 'run' } as const;
  return endTree(tree, { signal: 'SIGTERM', graceMs, groupTrust: 'unless_reused' });
}
