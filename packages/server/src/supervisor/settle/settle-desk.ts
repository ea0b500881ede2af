import { errorCodeOf } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { type RunEnd, type SettleAnswer, settleRuns } from './settle-run.js';

/**
 * Closes runs as they end. One that ends alone is closed at once. Those that end while a transaction is under way share
 * the next one: each agent's state is one row, for which settlements would otherwise wait, one commit after the other.
 * Runs of an issue keep a transaction of their own, since they may have to wait for the issue's lock.
 */
export interface SettleDesk {
  /** Rejects like `settleRun`, and only for what is wrong with this run. */
  settle(end: RunEnd): Promise<SettleAnswer>;
}

interface WaitingEnd {
  readonly end: RunEnd;
  readonly resolve: (answer: SettleAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Rows that one transaction keeps locked. */
const longestBatch = 32;

export function createSettleDesk(dependencies: SupervisorDependencies): SettleDesk {
  const waiting: WaitingEnd[] = [];
  let isWorking = false;

  const settleTogether = async (batch: readonly WaitingEnd[]): Promise<void> => {
    try {
      const answers = await settleRuns(
        dependencies,
        batch.map(({ end }) => end),
      );
      for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer);
    } catch (error) {
      // Without a database none can be closed. Anything else is the fault of one, which must not hold up the others.
      if (batch.length === 1 || errorCodeOf(error) === 'database_unavailable') for (const { reject } of batch) reject(error);
      else for (const each of batch) await settleTogether([each]);
    }
  };
  const work = async (): Promise<void> => {
    isWorking = true;
    while (waiting.length > 0) await settleTogether(waiting.splice(0, longestBatch));
    isWorking = false;
  };

  return {
    settle: (end) =>
      new Promise((resolve, reject) => {
        const entry = { end, resolve, reject };
        if (end.run.issueId !== null) void settleTogether([entry]);
        else if (waiting.push(entry) === 1 && !isWorking) void work();
      }),
  };
}
