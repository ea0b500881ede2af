import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import {
  endTree,
  isSameProcess,
  type ProcessRow,
  processLife,
  processRow,
  processRows,
  thisMachine,
  treeSurvivors,
  type WorkTree,
} from '@runbeat/adapter-sdk/processes';
import type { ProcessState, ProcessTable } from '../supervisor/ports/index.js';

/** The processes of this host. Made once per server; `self` is read at once, so that the instance can be registered. */
export async function createProcessTable(): Promise<ProcessTable> {
  const { host, bootId } = thisMachine();
  const own = await processRow(process.pid);
  return {
    self: { host, pid: process.pid, hostBootId: bootId, processStartTicks: own ? startMark(own) : null },
    async inspect(handle, runId) {
      if (handle.host !== host) return { state: 'elsewhere' };
      if (handle.bootId !== bootId) return { state: 'gone', isReused: false, livingGroupMembers: 0 };
      return inspectHere(handle, runId);
    },
    async terminate(handle, { runId, graceMs, signal }) {
      if (handle.host !== host || handle.bootId !== bootId) return 'already_gone';
      const { stopped } = await endTree(
        { ...groupOf(handle, runId), scope: 'run' },
        { signal: 'SIGTERM', graceMs, groupTrust: 'unless_reused', ...(signal ? { abort: signal } : {}) },
      );
      return stopped;
    },
    async isInstanceAlive(instance) {
      if (instance.host !== host) return null;
      if (instance.hostBootId !== bootId) return false;
      const row = await processRow(instance.pid);
      if (!row || row.isZombie) return false;
      // Without a recorded start nothing tells a living predecessor from a stranger: it is believed, and its lease decides.
      return instance.processStartTicks === null ? null : startMark(row) === instance.processStartTicks;
    },
  };
}

const groupOf = (handle: ProcessHandleV1, runId: string): WorkTree => ({
  leader: handle,
  groupId: handle.processGroupId,
  runId,
  scope: 'group',
});

async function inspectHere(handle: ProcessHandleV1, runId: string): Promise<ProcessState> {
  const { isLeaderAlive, isPidReused, all } = await treeSurvivors(groupOf(handle, runId), { groupTrust: 'unless_reused' });
  if (isLeaderAlive) return { state: 'alive' };
  if ((await processLife(handle)) === 'unknown') {
    const holder = (await processRows()).find((row) => row.pid === handle.pid);
    const message =
      holder && isSameProcess(holder, handle) === null
        ? `whether pid ${handle.pid} is still the recorded process cannot be told: its start time is not known`
        : `pid ${handle.pid} exists, but this system does not show it to us`;
    return { state: 'unknown', message };
  }
  return { state: 'gone', isReused: isPidReused, livingGroupMembers: all.length };
}

/** What tells two processes with one pid apart: ticks, or the second of the start where there are none. */
function startMark(row: ProcessRow): string | null {
  return row.startTicks ?? (row.startedAtMs === null ? null : `ms${row.startedAtMs}`);
}
