import type { LiveEventSource } from '../../../src/live/live-event-source.js';
import type { CompanyId, LiveEvent } from '../../../src/supervisor/model/index.js';

export interface MemoryEventSource extends LiveEventSource {
  /** Numbers and keeps `count` further events. */
  add(companyId: CompanyId, count?: number): void;
  /** Forgets all up to this id. */
  prune(companyId: CompanyId, upToId: number): void;
  readonly readCount: () => number;
}

/** Numbered events in memory; reads resolve in a later turn, as a database's would. */
export function createMemoryEventSource(): MemoryEventSource {
  const events = new Map<CompanyId, LiveEvent[]>();
  const heads = new Map<CompanyId, number>();
  const listeners = new Set<(companyId: CompanyId | null) => void>();
  let readCount = 0;
  const of = (companyId: CompanyId): LiveEvent[] => events.get(companyId) ?? [];
  const later = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    readCount: () => readCount,
    add(companyId, count = 1) {
      const head = heads.get(companyId) ?? 0;
      const added = Array.from({ length: count }, (_, index) => ({
        id: head + index + 1,
        companyId,
        type: 'run-started',
        data: { number: head + index + 1 },
        at: new Date(),
      }));
      events.set(companyId, [...of(companyId), ...added]);
      heads.set(companyId, head + count);
      for (const listener of listeners) listener(companyId);
    },
    prune(companyId, upToId) {
      events.set(
        companyId,
        of(companyId).filter(({ id }) => id > upToId),
      );
    },
    eventsCommitted: () => undefined,
    async bounds(companyId) {
      await later();
      return { oldestId: of(companyId)[0]?.id ?? null, newestId: heads.get(companyId) ?? 0 };
    },
    async read(companyId, { afterId, limit }) {
      readCount += 1;
      await later();
      const kept = of(companyId);
      const from = kept.findIndex(({ id }) => id > afterId);
      return from === -1 ? [] : kept.slice(from, from + limit);
    },
    onAdded(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
