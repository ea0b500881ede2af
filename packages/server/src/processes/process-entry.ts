/** A living or dead process as the system lists it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly processGroupId: number;
  /** Dead and not yet waited for; counts as gone everywhere. */
  readonly isZombie: boolean;
  /** Clock ticks since boot; null where the system tells only a time. */
  readonly startTicks: string | null;
  /** Milliseconds since 1970, to the second; null where ticks are known. */
  readonly startedAtMs: number | null;
}

/** From `/proc/<pid>/stat`; null when the line is none. The name in parentheses may hold spaces and parentheses itself. */
export function entryFromStat(stat: string): ProcessEntry | null {
  const pid = Number.parseInt(stat, 10);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, , processGroupId] = fields;
  const startTicks = fields[19];
  if (!Number.isInteger(pid) || state === undefined || startTicks === undefined) return null;
  return {
    pid,
    processGroupId: Number(processGroupId),
    isZombie: state === 'Z' || state === 'X',
    startTicks: startTicks.trim(),
    startedAtMs: null,
  };
}

/** From a line of `ps -axo pid=,pgid=,stat=,lstart=` in the C locale and UTC; null when the line is none. */
export function entryFromPsLine(line: string): ProcessEntry | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line);
  if (!match) return null;
  const startedAtMs = Date.parse(`${match[4]} UTC`);
  if (Number.isNaN(startedAtMs)) return null;
  return {
    pid: Number(match[1]),
    processGroupId: Number(match[2]),
    isZombie: match[3]?.startsWith('Z') ?? false,
    startTicks: null,
    startedAtMs,
  };
}
