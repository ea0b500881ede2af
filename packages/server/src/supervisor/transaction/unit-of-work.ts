import type { Json } from '@runbeat/adapter-sdk';
import type { CompanyId, NewLiveEvent, NewRunEvent, RunId } from '../model/index.js';
import type { RunEvents, RunStoreTransaction } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';

/** One transaction with what has to be told about it: events are written with it, in arrays, effects follow the commit. */
export interface UnitOfWork {
  readonly tx: RunStoreTransaction;
  /** One time for everything that is written together. */
  readonly now: Date;
  runEvent(run: { readonly id: RunId; readonly companyId: CompanyId }, event: Omit<NewRunEvent, 'at'>): void;
  /** Into the outbox. `type` is noun + past verb: `run-started`. */
  liveEvent(companyId: CompanyId, type: string, data: Json): void;
  /** Called once, after the commit; must not throw. Never called when the transaction was rolled back. */
  afterCommit(effect: () => void): void;
}

/** Runs `work` in one transaction. `work` may be run again from the start by the store, so it must have no other effects. */
export async function inUnitOfWork<T>(
  dependencies: Pick<SupervisorDependencies, 'store' | 'clock' | 'liveFeed'>,
  work: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  let liveEvents: NewLiveEvent[] = [];
  let effects: (() => void)[] = [];
  const result = await dependencies.store.transaction(async (tx) => {
    const now = dependencies.clock.now();
    const runEvents = new Map<RunId, RunEvents & { events: NewRunEvent[] }>();
    liveEvents = [];
    effects = [];
    const value = await work({
      tx,
      now,
      runEvent(run, event) {
        const entry = runEvents.get(run.id) ?? { id: run.id, companyId: run.companyId, events: [] };
        entry.events.push({ ...event, at: now });
        runEvents.set(run.id, entry);
      },
      liveEvent(companyId, type, data) {
        liveEvents.push({ companyId, type, data, at: now });
      },
      afterCommit(effect) {
        effects.push(effect);
      },
    });
    if (runEvents.size + liveEvents.length > 0) await tx.appendEvents({ runs: [...runEvents.values()], live: liveEvents });
    return value;
  });
  for (const companyId of new Set(liveEvents.map((event) => event.companyId))) dependencies.liveFeed.eventsCommitted(companyId);
  for (const effect of effects) effect();
  return result;
}
