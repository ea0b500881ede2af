import { hostname } from 'node:os';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import type { ProcessState, ProcessTable } from '../supervisor/ports/index.js';
import { createLinuxProcessSource } from './linux-process-source.js';
import type { ProcessSource } from './process-source.js';
import { createPsProcessSource } from './ps-process-source.js';
import { terminateWork } from './terminate-work.js';
import { isSameProcess, workGroup } from './work-group.js';

/** The processes of this host. Made once per server; `self` is read at once, so that the instance can be registered. */
export function createProcessTable(source: ProcessSource = sourceOfThisSystem()): ProcessTable {
  const host = hostname();
  const own = source.own();
  return {
    self: { host, pid: process.pid, hostBootId: source.bootId, processStartTicks: own ? startMark(own) : null },
    async inspect(handle) {
      if (handle.host !== host) return { state: 'elsewhere' };
      if (handle.bootId !== source.bootId) return { state: 'gone', isReused: false, livingGroupMembers: 0 };
      return inspectHere(source, handle);
    },
    async terminate(handle, options) {
      if (handle.host !== host || handle.bootId !== source.bootId) return 'already_gone';
      return terminateWork(source, handle, options);
    },
    async isInstanceAlive(instance) {
      if (instance.host !== host) return null;
      if (instance.hostBootId !== source.bootId) return false;
      const entry = await source.find(instance.pid);
      if (!entry || entry.isZombie) return false;
      // Without a recorded start nothing tells a living predecessor from a stranger: it is believed, and its lease decides.
      return instance.processStartTicks === null ? null : startMark(entry) === instance.processStartTicks;
    },
  };
}

async function inspectHere(source: ProcessSource, handle: ProcessHandleV1): Promise<ProcessState> {
  const group = workGroup(handle, await source.list());
  if (group.leader) return { state: 'alive' };
  const holder = await source.find(handle.pid);
  if (holder && isSameProcess(holder, handle) === null) {
    return {
      state: 'unknown',
      message: `whether pid ${handle.pid} is still the recorded process cannot be told: its start time is not known`,
    };
  }
  if (!holder && isHidden(handle.pid)) {
    return { state: 'unknown', message: `pid ${handle.pid} exists, but this system does not show it to us` };
  }
  return { state: 'gone', isReused: group.isPidReused, livingGroupMembers: group.members.length };
}

/** `/proc` mounted with `hidepid` lists nothing, while signalling says that there is somebody. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What tells two processes with one pid apart: ticks, or the second of the start where there are none. */
function startMark(entry: { readonly startTicks: string | null; readonly startedAtMs: number | null }): string | null {
  return entry.startTicks ?? (entry.startedAtMs === null ? null : `ms${entry.startedAtMs}`);
}

function sourceOfThisSystem(): ProcessSource {
  return process.platform === 'linux' ? createLinuxProcessSource() : createPsProcessSource();
}
