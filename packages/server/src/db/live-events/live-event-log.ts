import { setTimeout as delay } from 'node:timers/promises';
import type { CompanyId, LiveEvent } from '../../supervisor/model/index.js';
import type { Logger } from '../../supervisor/ports/index.js';
import type { Database } from '../database.js';
import { databaseFailure } from '../database-failure.js';
import { type EventListener, startEventListener } from './event-listener.js';
import {
  listCompaniesWithWaitingEvents,
  liveEventBounds,
  numberingBatch,
  numberLiveEvents,
  pruneLiveEvents,
  readLiveEvents,
} from './live-event-statements.js';

/**
 * The outbox as it is delivered: events get their numbers after the commit (docs/decisions/0003), and only numbered ones
 * are read. Every instance numbers, under a lock per company; what a dead one left is taken up by the others.
 *
 * States: `idle` (numbers and reads when asked, hears nothing) → `start()` → `listening` → `stop()` → `stopped`.
 */
export interface LiveEventLog {
  /** Numbers what was left over, listens to all instances and looks for left-overs every few seconds. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Says that events of the company were committed here: they are numbered in a moment, with those that follow at once. */
  eventsCommitted(companyId: CompanyId): void;
  /** Numbers everything of the company that is committed; resolves with how many. */
  numberCommitted(companyId: CompanyId): Promise<number>;
  /** `newestId` 0 = nothing was ever numbered. `oldestId` null = nothing is kept. */
  bounds(companyId: CompanyId): Promise<{ readonly oldestId: number | null; readonly newestId: number }>;
  /** In order of id, without gaps, at most `limit` (≤ 1,000). */
  read(companyId: CompanyId, query: { readonly afterId: number; readonly limit: number }): Promise<readonly LiveEvent[]>;
  /** Told when events may have been added, by any instance; `null` = of any company. Returns the end of the subscription. */
  onAdded(listener: (companyId: CompanyId | null) => void): () => void;
  /** Removes events from before `before`; returns how many. Called by the pruning loop. */
  prune(before: Date): Promise<number>;
}

/** Commits that follow each other this closely share one numbering. */
const gatherMs = 5;

export function createLiveEventLog(options: {
  readonly database: Database;
  readonly logger: Logger;
  /** How often left-overs of dead instances are looked for. */
  readonly leftOverIntervalMs?: number;
}): LiveEventLog {
  const { database, logger } = options;
  const { executor } = database;
  const listeners = new Set<(companyId: CompanyId | null) => void>();
  /** Companies to number, and whether a numbering of each is at work; written by `schedule` and `drain`. */
  const waiting = new Map<CompanyId, 'scheduled' | 'working' | 'working_again'>();
  /** Numberings at work, which `stop` awaits. */
  const working = new Set<Promise<void>>();
  let listener: EventListener | null = null;
  let leftOverTimer: NodeJS.Timeout | null = null;
  let isStopped = false;

  function tell(companyId: CompanyId | null): void {
    for (const listen of listeners) listen(companyId);
  }

  async function numberCommitted(companyId: CompanyId): Promise<number> {
    let total = 0;
    for (let count = numberingBatch; count === numberingBatch; total += count) {
      count = await numberLiveEvents(executor, companyId).catch((error: unknown) => {
        throw databaseFailure(error);
      });
    }
    // The notice comes over the listening connection; while that one is away, our own clients hear it from us.
    if (total > 0 && listener?.isListening() !== true) tell(companyId);
    return total;
  }

  async function drain(companyId: CompanyId): Promise<void> {
    await delay(gatherMs);
    do {
      waiting.set(companyId, 'working');
      try {
        await numberCommitted(companyId);
      } catch (error) {
        // They stay in the outbox; the look for left-overs takes them up.
        logger.warn({ err: error, companyId }, 'events could not be numbered yet');
      }
    } while (waiting.get(companyId) === 'working_again');
    waiting.delete(companyId);
  }

  function schedule(companyId: CompanyId): void {
    if (isStopped) return;
    const state = waiting.get(companyId);
    if (state === 'working') waiting.set(companyId, 'working_again');
    if (state !== undefined) return;
    waiting.set(companyId, 'scheduled');
    const work = drain(companyId).finally(() => working.delete(work));
    working.add(work);
  }

  async function numberLeftOvers(): Promise<void> {
    try {
      for (const companyId of await listCompaniesWithWaitingEvents(executor)) schedule(companyId);
    } catch (error) {
      logger.warn({ err: error }, 'cannot look for events without a number yet');
    }
  }

  return {
    async start() {
      listener = startEventListener({ connectionString: database.connectionString, logger, onNotice: tell });
      leftOverTimer = setInterval(() => void numberLeftOvers(), options.leftOverIntervalMs ?? 3_000);
      leftOverTimer.unref();
      await numberLeftOvers();
    },
    async stop() {
      isStopped = true;
      if (leftOverTimer !== null) clearInterval(leftOverTimer);
      await Promise.all(working);
      await listener?.stop();
      listener = null;
      listeners.clear();
    },
    eventsCommitted: schedule,
    numberCommitted,
    bounds: (companyId) => liveEventBounds(executor, companyId),
    read: (companyId, query) => readLiveEvents(executor, companyId, query),
    onAdded(listen) {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    prune: (before) => pruneLiveEvents(executor, before),
  };
}
