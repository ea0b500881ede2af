import { type ProcessEntry, readEnvironmentVariable, readProcessTable } from './process-table.js';

/** What is known of a run's processes. */
export interface RunProcessesQuery {
  /** The value of `RUNBEAT_RUN_ID` in their environment. */
  readonly runId: string;
  /** Those that were announced by `onSpawn`. */
  readonly roots: readonly { readonly pid: number; readonly processGroupId: number | null; readonly startTicks: string | null }[];
  /** Found by an earlier search: their children are found even when they are gone since. */
  readonly known: ReadonlyMap<number, ProcessEntry>;
}

/**
 * Every live process of a run: the announced ones, their groups, their descendants, and whoever carries the run's id in
 * its environment (a `setsid` grandchild whose parent is gone). Null where the machine does not tell.
 */
export async function findRunProcesses(query: RunProcessesQuery): Promise<Map<number, ProcessEntry> | null> {
  const table = await readProcessTable();
  if (table === null) return null;
  const marked = await findMarked(table, query.runId);
  return membersOf(table, query, marked);
}

/** The decision alone: which of the table's processes are the run's. This process and its ancestors never are. */
export function membersOf(
  table: ReadonlyMap<number, ProcessEntry>,
  query: Pick<RunProcessesQuery, 'roots' | 'known'>,
  marked: ReadonlySet<number>,
  ownPid: number = process.pid,
): Map<number, ProcessEntry> {
  const untouchable = ancestorsOf(table, ownPid);
  const groups = new Set<number>();
  const firstTicks = query.roots.flatMap((root) => root.startTicks ?? []).reduce(earlier, null as bigint | null);
  const members = new Map<number, ProcessEntry>();
  const add = (entry: ProcessEntry): void => {
    if (!untouchable.has(entry.pid) && !entry.isZombie) members.set(entry.pid, entry);
  };
  for (const root of query.roots) {
    const entry = table.get(root.pid);
    // Another start time is another process that was given the same number. The system gives no number that is still a
    // group's, so the group is gone then, too, and the group of that number is the stranger's.
    if (entry && root.startTicks !== null && entry.startTicks !== root.startTicks) continue;
    if (entry) add(entry);
    if (root.processGroupId !== null) groups.add(root.processGroupId);
  }
  for (const entry of table.values()) {
    const isOfGroup = groups.has(entry.processGroupId) && firstTicks !== null && BigInt(entry.startTicks || '0') >= firstTicks;
    const isKnown = query.known.get(entry.pid)?.startTicks === entry.startTicks;
    if (isOfGroup || isKnown || marked.has(entry.pid)) add(entry);
  }
  addDescendants(table, members, add);
  return members;
}

function addDescendants(
  table: ReadonlyMap<number, ProcessEntry>,
  members: ReadonlyMap<number, ProcessEntry>,
  add: (entry: ProcessEntry) => void,
): void {
  for (let found = -1; found !== members.size; ) {
    found = members.size;
    for (const entry of table.values()) {
      const parent = members.get(entry.parentPid);
      if (parent && BigInt(entry.startTicks || '0') >= BigInt(parent.startTicks || '0')) add(entry);
    }
  }
}

function ancestorsOf(table: ReadonlyMap<number, ProcessEntry>, pid: number): Set<number> {
  const ancestors = new Set<number>([0, 1]);
  for (let current = pid; current > 1 && !ancestors.has(current); current = table.get(current)?.parentPid ?? 0) {
    ancestors.add(current);
  }
  return ancestors;
}

async function findMarked(table: ReadonlyMap<number, ProcessEntry>, runId: string): Promise<Set<number>> {
  const marked = new Set<number>();
  await Promise.all(
    [...table.keys()].map(async (pid) => {
      if ((await readEnvironmentVariable(pid, 'RUNBEAT_RUN_ID')) === runId) marked.add(pid);
    }),
  );
  return marked;
}

function earlier(first: bigint | null, ticks: string): bigint {
  const value = BigInt(ticks);
  return first === null || value < first ? value : first;
}
