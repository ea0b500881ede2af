import type { CompanyId, LiveEvent } from '../supervisor/model/index.js';

/** Numbered events as they can be read. `createLiveEventLog` of `db/live-events` gives one over PostgreSQL. */
export interface LiveEventSource {
  /** Says that events of the company were committed here: they are numbered in a moment, and `onAdded` tells of it. */
  eventsCommitted(companyId: CompanyId): void;
  /** `newestId` 0 = nothing was ever numbered. `oldestId` null = nothing is kept. */
  bounds(companyId: CompanyId): Promise<{ readonly oldestId: number | null; readonly newestId: number }>;
  /** In order of id, without gaps, at most `limit`. */
  read(companyId: CompanyId, query: { readonly afterId: number; readonly limit: number }): Promise<readonly LiveEvent[]>;
  /** Told when events may have been added, by this or another instance; `null` = of any company (a connection was lost). */
  onAdded(listener: (companyId: CompanyId | null) => void): () => void;
}
