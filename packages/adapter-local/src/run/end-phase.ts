import { setTimeout as startTimer } from 'node:timers';
import { sleep } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import { readExitRecord } from '../capsule/exit-record.js';
import { findEnd, hasGroupMembers, leftoverPids } from './end-watch.js';
import type { RunEnd } from './outcome.js';
import { type SupervisedRun, workTree } from './supervised-run.js';

/**
 * Where a run stands on its way to the end. `working` → (exit record, or nobody alive) → `draining` while members of the
 * group outlive the command, for a bounded time, then they are ended → `over`.
 */
export interface EndPhase {
  /** Whether nobody of the run will write any more. */
  hasEnded(): Promise<boolean>;
  /** Nothing has changed for a while: look whether somebody lives at all, and report that as life. */
  checkLife(): Promise<void>;
  /** Null until the command has ended. */
  readonly end: RunEnd | null;
  /** Pids that outlived the command and were ended. */
  readonly leftovers: readonly number[];
  close(): void;
}

/** How long processes that outlive the command may go on writing. */
const drainMs = 1_000;
const drainLookMs = 100;
/** The host stores proof of life once a minute; ten seconds keep it fresh without asking much. */
const aliveEveryMs = 10_000;

/** What the phases need of a run, or of a conversation's worker. */
export type EndingWork = Pick<SupervisedRun, 'runId' | 'folder' | 'handle' | 'wake' | 'capsuleExited'> & {
  readonly sinks: { onAlive(): Promise<void> };
};

export function createEndPhase(run: EndingWork): EndPhase {
  let end: RunEnd | null = null;
  let isOver = false;
  let drainEndsAt = 0;
  let leftovers: readonly number[] = [];
  /**
   * True when the group had members at the moment its leader's end was reported to us: then its id cannot have been given
   * away. Never true for a run that was taken over: there only the run's cookie counts.
   */
  let isGroupOurs = false;
  let capsuleSignal: string | null | undefined;
  let lastAliveAt = Date.now();
  let timer: NodeJS.Timeout | null = null;
  const ended = new AbortController();

  void run.capsuleExited?.then(({ signal }) => {
    capsuleSignal = signal;
    isGroupOurs = run.handle.processGroupId !== null && hasGroupMembers(run.handle.processGroupId);
    run.wake.poke();
  });

  const drain = async (): Promise<boolean> => {
    // Its last act is behind it; what the system says of its end comes in a moment.
    if (run.capsuleExited !== undefined && capsuleSignal === undefined)
      await Promise.race([run.capsuleExited, sleep(drainMs, ended.signal)]);
    const groupTrust = isGroupOurs ? 'proven' : 'none';
    if (end?.kind === 'vanished') {
      // Somebody killed command and capsule, and told nobody: what is left of their tree, in the group or not, has no purpose.
      await endTree(workTree(run), { signal: 'SIGTERM', graceMs: drainMs, groupTrust });
      return true;
    }
    leftovers = await leftoverPids(workTree(run), isGroupOurs);
    if (leftovers.length === 0) return true;
    if (drainEndsAt === 0) drainEndsAt = Date.now() + drainMs;
    if (Date.now() < drainEndsAt) {
      timer = startTimer(run.wake.poke, drainLookMs);
      return false;
    }
    await endTree({ ...workTree(run), scope: 'group' }, { signal: 'SIGTERM', graceMs: drainMs, groupTrust });
    return true;
  };

  return {
    get end() {
      return end;
    },
    get leftovers() {
      return leftovers;
    },
    async hasEnded() {
      if (isOver) return true;
      // Our own child ends right after its record: until that is reported, twenty looks a second need not ask for it.
      if (end === null && run.capsuleExited !== undefined && capsuleSignal === undefined) return false;
      end ??= readExitRecord(run.folder);
      // The capsule is known to be gone: a last look settles it, or finds the command alive without it.
      if (end === null && capsuleSignal !== undefined) end = await findEnd(run.folder, run.handle, capsuleSignal);
      if (end === null) return false;
      isOver = await drain();
      return isOver;
    },
    async checkLife() {
      if (end !== null) return;
      // The end of our own child is reported to us; only that of another host's has to be looked for.
      const isOurChild = run.capsuleExited !== undefined && capsuleSignal === undefined;
      if (!isOurChild) end = await findEnd(run.folder, run.handle, capsuleSignal ?? null);
      if (end !== null) {
        run.wake.poke();
        return;
      }
      if (Date.now() - lastAliveAt < aliveEveryMs) return;
      lastAliveAt = Date.now();
      await run.sinks.onAlive();
    },
    close() {
      ended.abort();
      if (timer !== null) clearTimeout(timer);
    },
  };
}
