import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** One process as the system lists it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** Dead, not yet waited for. Never counts as alive. */
  readonly isZombie: boolean;
  /** Start in clock ticks since boot (Linux); null where only `startedAtMs` is known. */
  readonly startTicks: string | null;
  /** Start in milliseconds since 1970, to the second (macOS); null where `startTicks` is known. */
  readonly startedAtMs: number | null;
}

const run = promisify(execFile);
const psColumns = 'pid=,ppid=,pgid=,stat=,lstart=';

/** The process with this pid; null = there is none. Rejects when the system did not answer. */
export async function processRow(pid: number): Promise<ProcessRow | null> {
  if (process.platform === 'linux') return linuxRow(pid);
  const rows = await psRows(['-o', psColumns, '-p', String(pid)]);
  return rows[0] ?? null;
}

let pendingList: Promise<ProcessRow[]> | null = null;

/**
 * All processes that this one may see, as they are after the call. Rejects when the system did not answer. Calls of one
 * turn of the event loop share a look, so that ending two hundred runs at once costs little more than ending one.
 */
export function processRows(): Promise<ProcessRow[]> {
  pendingList ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    pendingList = null;
    return process.platform === 'linux' ? linuxRows() : psRows(['-axo', psColumns]);
  });
  return pendingList;
}

function linuxRows(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first < 0x30 || first > 0x39) continue;
    const row = linuxRow(Number(name));
    if (row !== null) rows.push(row);
  }
  return rows;
}

/**
 * Synchronous on purpose: the kernel answers from memory in microseconds, and the liveness checks of many runs must not
 * queue for the thread pool.
 */
export function linuxRow(pid: number): ProcessRow | null {
  try {
    return rowFromStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // ESRCH: it ended between open and read.
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Reads `/proc/<pid>/stat`; null when the line is none. The name in parentheses may itself hold parentheses and spaces. */
export function rowFromStat(line: string): ProcessRow | null {
  const nameEnd = line.lastIndexOf(')');
  if (nameEnd === -1) return null;
  const fields = line.slice(nameEnd + 2).split(' ');
  const [state, parentPid, groupId] = fields;
  const startTicks = fields[19];
  const pid = Number.parseInt(line, 10);
  if (state === undefined || startTicks === undefined || !Number.isInteger(pid)) return null;
  return {
    pid,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    isZombie: state === 'Z' || state === 'X',
    startTicks: startTicks.trim(),
    startedAtMs: null,
  };
}

async function psRows(args: readonly string[]): Promise<ProcessRow[]> {
  try {
    const { stdout } = await run('/bin/ps', [...args], { env: { LC_ALL: 'C', TZ: 'UTC' }, maxBuffer: 16_777_216 });
    return stdout.split('\n').flatMap((line) => rowFromPs(line) ?? []);
  } catch (error) {
    // `ps -p` ends with 1 and without a word when there is no such process.
    const failure = error as { code?: unknown; stderr?: unknown };
    if (failure.code === 1 && failure.stderr === '') return [];
    throw error;
  }
}

/** Reads a line of `ps -o pid=,ppid=,pgid=,stat=,lstart=` in the C locale and UTC; null when the line is none. */
export function rowFromPs(line: string): ProcessRow | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
  if (match === null) return null;
  const [, pid, parentPid, groupId, state = '', started = ''] = match;
  const startedAtMs = Date.parse(`${started} UTC`);
  return {
    pid: Number(pid),
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    isZombie: state.startsWith('Z'),
    startTicks: null,
    startedAtMs: Number.isNaN(startedAtMs) ? null : startedAtMs,
  };
}
