import { setTimeout as startTimer } from 'node:timers';
import { readExitRecord } from '../capsule/exit-record.js';
import { endTree } from '../processes/end-tree.js';
import { findEnd, leftoverPids } from './end-watch.js';
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

export function createEndPhase(run: SupervisedRun): EndPhase {
  let end: RunEnd | null = null;
  let isOver = false;
  let drainEndsAt = 0;
  let leftovers: readonly number[] = [];
  /** True once the capsule was seen alive, or its end was reported to us: the group's id cannot be somebody else's. */
  let isGroupOurs = run.capsuleExited !== undefined;
  let capsuleSignal: string | null | undefined;
  let lastAliveAt = Date.now();
  let timer: NodeJS.Timeout | null = null;

  void run.capsuleExited?.then(({ signal }) => {
    capsuleSignal = signal;
    run.wake.poke();
  });

  const drain = async (): Promise<boolean> => {
    leftovers = await leftoverPids(workTree(run), isGroupOurs);
    if (leftovers.length === 0) return true;
    if (drainEndsAt === 0) drainEndsAt = Date.now() + drainMs;
    if (Date.now() < drainEndsAt) {
      timer = startTimer(run.wake.poke, drainLookMs);
      return false;
    }
    await endTree({ ...workTree(run), scope: 'group' }, { signal: 'SIGTERM', graceMs: drainMs, isGroupOurs });
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
      end ??= readExitRecord(run.folder);
      // The capsule is known to be gone: a last look settles it, or finds the command alive without it.
      if (end === null && capsuleSignal !== undefined) end = await findEnd(run.folder, run.handle, capsuleSignal);
      if (end === null) return false;
      isOver = await drain();
      return isOver;
    },
    async checkLife() {
      if (end !== null) return;
      end = await findEnd(run.folder, run.handle, capsuleSignal ?? null);
      if (end !== null) {
        run.wake.poke();
        return;
      }
      isGroupOurs = true;
      if (Date.now() - lastAliveAt < aliveEveryMs) return;
      lastAliveAt = Date.now();
      await run.sinks.onAlive();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
