import { readdirSync, readFileSync } from 'node:fs';

export interface ServerResources {
  readonly descriptors: number;
  readonly sockets: number;
  readonly residentKiB: number;
}

/** What a process holds, as Linux counts it. */
export function resourcesOf(pid: number): ServerResources {
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  const own = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { descriptors, sockets: connectionsOf(pid), residentKiB: Number(own?.[1] ?? 0) };
}

/** TCP sockets of the process that are connected or half closed. */
function connectionsOf(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/net/sockstat`, 'utf8');
  return Number(/TCP: inuse (\d+)/.exec(lines)?.[1] ?? 0);
}
