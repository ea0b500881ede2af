import { readdir, readFile } from 'node:fs/promises';

/** One process of this machine, as `/proc` shows it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly processGroupId: number;
  /** Start in clock ticks since boot: with the pid it names one process for ever. */
  readonly startTicks: string;
  /** A zombie is dead: it only waits for its parent. */
  readonly isZombie: boolean;
}

/** All processes, or null where there is no `/proc` (not Linux). */
export async function readProcessTable(): Promise<Map<number, ProcessEntry> | null> {
  const names = await readdir('/proc').catch(() => null);
  if (names === null) return null;
  const entries = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))));
  const table = new Map<number, ProcessEntry>();
  for (const entry of entries) if (entry) table.set(entry.pid, entry);
  return table.size === 0 ? null : table;
}

/** Null when it is gone, or where there is no `/proc`. */
export async function readProcess(pid: number): Promise<ProcessEntry | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The second field is the program's name in brackets and may hold anything, brackets and blanks too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  return {
    pid,
    parentPid: Number(parent),
    processGroupId: Number(group),
    startTicks: fields[19] ?? '',
    isZombie: state === 'Z' || state === 'X',
  };
}

/** The value of one variable in a process's environment at its start; null when unset, gone or not ours to read. */
export async function readEnvironmentVariable(pid: number, name: string): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => null);
  const entry = text?.split('\0').find((one) => one.startsWith(`${name}=`));
  return entry === undefined ? null : entry.slice(name.length + 1);
}
