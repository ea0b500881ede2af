import { readFileSync } from 'node:fs';
import { thisMachine } from './machine.js';
import { isOlder, isSameProcess, type ProcessIdentity } from './process-identity.js';
import { type ProcessRow, processRows } from './process-row.js';

/** Variable that the host gives to every process of a run; descendants inherit it, also those that left the group. */
export const runCookieName = 'RUNBEAT_RUN_ID';

/** The processes of one run. */
export interface WorkTree {
  /** The process that was started first; null = it is not known, and only the cookie tells. */
  readonly leader: ProcessIdentity | null;
  /** The group that it leads; null = none. */
  readonly groupId: number | null;
  /** Value of `RUNBEAT_RUN_ID` in the environment of the run's processes. */
  readonly runId: string;
  /** `run` = all that can be found; `group` = without those that left the group on purpose (`setsid`). */
  readonly scope: 'run' | 'group';
}

/**
 * Who in the leader's group is believed to be of the run once the leader is gone. A group's id is not given to a new
 * process while the group has members; after that a stranger may lead a group of the same id.
 * - `proven`: everybody. The caller has seen members without a break since the leader lived.
 * - `unless_reused`: everybody that is not older than the leader, unless another process has its pid now. Wrong only for
 *   what a stranger with that pid left behind and whose own leader has ended since.
 * - `none`: those that carry the run's cookie.
 */
export type GroupTrust = 'proven' | 'unless_reused' | 'none';

/** What of a tree is alive, from one look at the process list. */
export interface TreeSurvivors {
  readonly isLeaderAlive: boolean;
  /** A stranger has the leader's pid now. */
  readonly isPidReused: boolean;
  /** Whether members of the group belong to the tree for being in it. */
  readonly ownsGroup: boolean;
  /** Everything that lives, the leader included; never this process itself, nor those that it descends from. */
  readonly all: readonly ProcessRow[];
}

/**
 * Looks once; rejects when the system did not answer. A process belongs to the tree when it is the leader, is in its group
 * (see `GroupTrust`), carries the run's cookie (where environments can be read), descends from one that belongs, or
 * belonged at an earlier look (`known`).
 */
export async function treeSurvivors(
  tree: WorkTree,
  options: { readonly groupTrust?: GroupTrust; readonly known?: ReadonlyMap<number, ProcessRow> } = {},
): Promise<TreeSurvivors> {
  const rows = await processRows();
  // A pid and ticks of another boot mean nothing here.
  const leader = tree.leader?.bootId === thisMachine().bootId ? tree.leader : null;
  const holder = leader === null ? undefined : rows.find((row) => row.pid === leader.pid);
  const isLeaderListed = holder !== undefined && leader !== null && isSameProcess(holder, leader) === true;
  const untouchable = ownAncestors(rows);
  const ownsGroup =
    leader !== null &&
    tree.groupId !== null &&
    isTrusted(options.groupTrust ?? 'none', isLeaderListed, holder) &&
    // A signal to the group would hit us.
    !rows.some((row) => row.groupId === tree.groupId && untouchable.has(row.pid));
  const belongs = (row: ProcessRow): boolean => {
    if (isLeaderListed && row === holder) return true;
    if (isKnown(row, options.known)) return true;
    const isInGroup = row.groupId === tree.groupId;
    if (isInGroup && ownsGroup && leader !== null && !isOlder(row, leader)) return true;
    return (isInGroup || tree.scope === 'run') && carriesCookie(row, tree, leader);
  };
  const alive = rows.filter((row) => !row.isZombie && !untouchable.has(row.pid));
  const members = new Set(alive.filter(belongs));
  if (tree.scope === 'run') addDescendants(members, alive);
  const isLeaderAlive = isLeaderListed && !holder.isZombie;
  return { isLeaderAlive, isPidReused: holder !== undefined && !isLeaderListed, ownsGroup, all: [...members] };
}

/** A leader that is listed, if only as a zombie, keeps the id of its group. */
function isTrusted(trust: GroupTrust, isLeaderListed: boolean, holder: ProcessRow | undefined): boolean {
  return isLeaderListed || trust === 'proven' || (trust === 'unless_reused' && holder === undefined);
}

function isKnown(row: ProcessRow, known: ReadonlyMap<number, ProcessRow> | undefined): boolean {
  const earlier = known?.get(row.pid);
  return earlier !== undefined && earlier.startTicks === row.startTicks && earlier.startedAtMs === row.startedAtMs;
}

/** This process, what it descends from, and the first process of the system: never a run's, whatever their environment says. */
function ownAncestors(rows: readonly ProcessRow[]): ReadonlySet<number> {
  const parents = new Map(rows.map((row) => [row.pid, row.parentPid]));
  const ancestors = new Set([0, 1, process.pid]);
  for (let pid = parents.get(process.pid) ?? 0; !ancestors.has(pid); pid = parents.get(pid) ?? 0) ancestors.add(pid);
  return ancestors;
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

function carriesCookie(row: ProcessRow, tree: WorkTree, leader: ProcessIdentity | null): boolean {
  if (process.platform !== 'linux') return false;
  // What started before the leader cannot descend from it: its environment need not be read.
  if (leader !== null && isOlder(row, leader)) return false;
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
