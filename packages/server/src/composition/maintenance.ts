import { type Database, type LiveEventLog, listRunsFinishedBefore, pruneKeptAnswers } from '../db/index.js';
import type { ServerSettings } from '../settings/server-settings.js';
import type { RunId } from '../supervisor/model/index.js';
import type { Clock, Logger, LogStore, RunStore } from '../supervisor/ports/index.js';

/** Removes what is kept for a time only: old live events, logs of runs that ended long ago, instances that are gone. */
export interface Maintenance {
  /** One round; at most one instance is inside at a time. */
  runOnce(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const intervalMs = 3_600_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const pageSize = 500;

export function createMaintenance(options: {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly logStore: LogStore;
  readonly liveEvents: LiveEventLog;
  readonly settings: Pick<ServerSettings, 'logRetentionDays' | 'liveEventRetentionHours'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Maintenance {
  const { clock, logger, settings } = options;
  let cancelTimer: () => void = () => undefined;
  let running: Promise<unknown> = Promise.resolve();
  /** Logs of runs that finished before this are gone; null until the first round of this process. */
  let logsRemovedUntil: Date | null = null;

  async function removeLogs(now: Date): Promise<void> {
    const before = new Date(now.getTime() - settings.logRetentionDays * dayMs);
    let removed = 0;
    let afterId: RunId | null = null;
    for (;;) {
      const expired = await listRunsFinishedBefore(options.database.executor, {
        from: logsRemovedUntil,
        before,
        afterId,
        limit: pageSize,
      });
      for (const run of expired) await options.logStore.remove({ companyId: run.companyId, runId: run.id });
      removed += expired.length;
      afterId = expired.at(-1)?.id ?? null;
      if (expired.length < pageSize) break;
    }
    logsRemovedUntil = before;
    if (removed > 0) logger.info({ runs: removed, before }, 'logs past their retention were removed');
  }

  const api: Maintenance = {
    async runOnce() {
      await options.runStore.withExclusiveLoop('maintenance', async () => {
        const now = clock.now();
        await options.liveEvents.prune(new Date(now.getTime() - settings.liveEventRetentionHours * hourMs));
        await pruneKeptAnswers(options.database.executor, new Date(now.getTime() - dayMs));
        await options.runStore.pruneInstances(new Date(now.getTime() - dayMs));
        await removeLogs(now);
      });
    },
    start() {
      const round = (): void => {
        running = api
          .runOnce()
          .catch((error: unknown) =>
            logger.warn({ err: error }, 'maintenance did not get through; it is tried again in an hour'),
          );
        void running.then(() => {
          cancelTimer = clock.setTimer(intervalMs, round);
        });
      };
      cancelTimer = clock.setTimer(intervalMs, round);
    },
    async stop() {
      cancelTimer();
      await running;
      cancelTimer();
    },
  };
  return api;
}
