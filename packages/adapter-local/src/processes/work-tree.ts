import { readFileSync } from 'node:fs';
import { isSameProcess, type ProcessIdentity } from './process-life.js';
import { type ProcessRow, processRows } from './process-row.js';

/** Variable that the host gives to every process of a run; descendants inherit it, also those that left the group. */
export const runCookieName = 'RUNBEAT_RUN_ID';

/** The processes of one run. */
export interface WorkTree {
  /** The process that was started first. */
  readonly leader: ProcessIdentity;
  /** The group that it leads; null = none. */
  readonly groupId: number | null;
  /** Value of `RUNBEAT_RUN_ID` in the environment of the run's processes. */
  readonly runId: string;
  /** `run` = all that can be found; `group` = without those that left the group on purpose (`setsid`). */
  readonly scope: 'run' | 'group';
}

/** What of a tree is alive, from one look at the process list. */
export interface TreeSurvivors {
  readonly isLeaderAlive: boolean;
  /** Everything that lives, the leader included; never this process itself. */
  readonly all: readonly ProcessRow[];
}

/**
 * Looks once. A process belongs to the tree when it is the leader, is in its group, carries the run's cookie (where
 * environments can be read) or descends from one that belongs. `isGroupOurs` says that the group's id cannot have been
 * given to strangers: the leader lives, or members have been seen without a break since it did. Without that proof a
 * group member counts only with the cookie, so that a reused id never hits a stranger.
 */
export async function treeSurvivors(tree: WorkTree, isGroupOurs: boolean): Promise<TreeSurvivors> {
  const rows = await processRows();
  const isLeaderAlive = rows.some((row) => !row.isZombie && isSameProcess(row, tree.leader));
  const isGroupProven = isGroupOurs || isLeaderAlive;
  const belongs = (row: ProcessRow): boolean => {
    if (isSameProcess(row, tree.leader)) return true;
    const isInGroup = row.groupId === tree.groupId;
    if (isInGroup && isGroupProven) return true;
    return (isInGroup || tree.scope === 'run') && carriesCookie(row, tree);
  };
  const alive = rows.filter((row) => !row.isZombie && row.pid !== process.pid);
  const members = new Set(alive.filter(belongs));
  if (tree.scope === 'run') addDescendants(members, alive);
  return { isLeaderAlive, all: [...members] };
}

/** Also those that cleared their environment, as long as the process that started them lives. */
function addDescendants(members: Set<ProcessRow>, alive: readonly ProcessRow[]): void {
  const pids = new Set([...members].map((row) => row.pid));
  for (let before = -1; before !== pids.size; ) {
    before = pids.size;
    for (const row of alive) {
      if (!pids.has(row.parentPid) || pids.has(row.pid)) continue;
      pids.add(row.pid);
      members.add(row);
    }
  }
}

function carriesCookie(row: ProcessRow, tree: WorkTree): boolean {
  if (process.platform !== 'linux') return false;
  // What started before the leader cannot descend from it: its environment need not be read.
  const leaderTicks = tree.leader.startTicks;
  if (leaderTicks !== null && Number(row.startTicks) < Number(leaderTicks)) return false;
  return cookieOf(row) === tree.runId;
}

/** One row stands for one look, and its cookie is read once in it, however many trees are looked for. */
const cookies = new WeakMap<ProcessRow, string | null>();

function cookieOf(row: ProcessRow): string | null {
  const known = cookies.get(row);
  if (known !== undefined) return known;
  const cookie = readCookie(row.pid);
  cookies.set(row, cookie);
  return cookie;
}

function readCookie(pid: number): string | null {
  let environment: Buffer;
  try {
    environment = readFileSync(`/proc/${pid}/environ`);
  } catch {
    // Gone in the meantime, or another user's: then it is not ours to signal either.
    return null;
  }
  const name = Buffer.from(`${runCookieName}=`);
  for (let at = environment.indexOf(name); at !== -1; at = environment.indexOf(name, at + 1)) {
    if (at > 0 && environment[at - 1] !== 0) continue;
    const end = environment.indexOf(0, at);
    return environment.toString('utf8', at + name.length, end === -1 ? undefined : end);
  }
  return null;
}
