import { readFileSync } from 'node:fs';
import { type ProcessHandleV1, sleep } from '@runbeat/adapter-sdk';
import { type ProcessLife, processLife, rowFromStat, treeSurvivors, type WorkTree } from '@runbeat/adapter-sdk/processes';
import { readExitRecord } from '../capsule/exit-record.js';
import type { RunFolder } from '../capsule/run-folder.js';
import type { RunEnd } from './outcome.js';

/** Whether the command itself lives, by the pid that the capsule noted; `gone` also when none was noted. */
export async function commandLife(folder: RunFolder, capsule: ProcessHandleV1): Promise<ProcessLife> {
  let noted: string;
  try {
    noted = readFileSync(folder.command, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  const row = rowFromStat(noted);
  const pid = row?.pid ?? Number.parseInt(noted, 10);
  if (!Number.isInteger(pid)) return 'gone';
  return await processLife({ ...capsule, pid, startTicks: row?.startTicks ?? null });
}

/**
 * How the run ended; null = something of it lives, or its life could not be found out.
 * @param capsuleSignal the signal that ended the capsule; null = unknown, or none.
 */
export async function findEnd(
  folder: RunFolder,
  handle: ProcessHandleV1,
  capsuleSignal: string | null = null,
): Promise<RunEnd | null> {
  const early = readExitRecord(folder);
  if (early !== null) return early;
  if ((await processLife(handle)) !== 'gone') return null;
  // Its last act may fall between both looks.
  const late = readExitRecord(folder);
  if (late !== null) return late;
  return (await commandLife(folder, handle)) === 'gone' ? { kind: 'vanished', signal: capsuleSignal } : null;
}

/**
 * The members of the run's group that outlived the command. The capsule itself is given the moment it needs to end.
 * @param isGroupOurs whether its members have been seen without a break since its leader lived.
 */
export async function leftoverPids(tree: WorkTree, isGroupOurs: boolean): Promise<readonly number[]> {
  for (let waits = 0; waits < 200 && tree.leader !== null && (await processLife(tree.leader)) === 'alive'; waits += 1)
    await sleep(1);
  if (tree.groupId === null || !hasGroupMembers(tree.groupId)) return [];
  const { all } = await treeSurvivors({ ...tree, scope: 'group' }, { groupTrust: isGroupOurs ? 'proven' : 'none' });
  return all.map((row) => row.pid);
}

/** One system call for the usual case that nobody is left; zombies count here, so a yes needs a closer look. */
export function hasGroupMembers(groupId: number): boolean {
  try {
    process.kill(-groupId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
