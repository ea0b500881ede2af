import type { SessionId } from '../supervisor/model/index.js';
import type { Clock } from '../supervisor/ports/index.js';
import type { JournalEntry } from './session.js';
import type { SessionStore } from './session-store.js';

/**
 * A session's journal as it is followed: each reader pulls what lies behind its own seq, from the last stored entries in
 * memory or from the store. There is no queue per reader, so a slow one costs nothing, and no hand-over between history
 * and live, so nothing is missed or given twice.
 */
export interface SessionFeed {
  /** The owner's actor stored these. */
  stored(id: SessionId, entries: readonly JournalEntry[]): void;
  /** Entries behind `afterSeq`, in order; waits for the next one where there is none. Ends only by `signal`. */
  follow(id: SessionId, afterSeq: number, signal: AbortSignal): AsyncGenerator<readonly JournalEntry[], void, undefined>;
  readonly readerCount: () => number;
}

const pageEntries = 200;

export function createSessionFeed(options: {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly recentEntries: number;
  readonly pollMs: number;
}): SessionFeed {
  const { store, clock } = options;
  /** The last stored entries of sessions that somebody follows, in order without holes. */
  const recent = new Map<SessionId, JournalEntry[]>();
  const waiting = new Map<SessionId, Set<() => void>>();
  const readers = new Map<SessionId, number>();

  async function entriesBehind(id: SessionId, afterSeq: number): Promise<readonly JournalEntry[]> {
    const kept = recent.get(id);
    const first = kept?.[0];
    const last = kept?.at(-1);
    if (kept && first && last && first.seq <= afterSeq + 1 && last.seq > afterSeq)
      return kept.slice(afterSeq + 1 - first.seq, afterSeq + 1 - first.seq + pageEntries);
    return store.readJournal(id, { afterSeq, limit: pageEntries });
  }

  /** Resolves when the owner stored something, or when it is time to ask the store for what another instance wrote. */
  function listenForNews(id: SessionId, signal: AbortSignal): { readonly news: Promise<void>; readonly stop: () => void } {
    const wakers = waiting.get(id) ?? new Set();
    waiting.set(id, wakers);
    let resolveNews: () => void = () => undefined;
    const news = new Promise<void>((resolve) => {
      resolveNews = resolve;
    });
    const stop = (): void => {
      // Called again after it was woken, it must not take away the set of those who listen by then.
      if (!wakers.delete(stop)) return;
      if (wakers.size === 0) waiting.delete(id);
      cancel();
      signal.removeEventListener('abort', stop);
      resolveNews();
    };
    const cancel = clock.setTimer(options.pollMs, stop);
    signal.addEventListener('abort', stop);
    wakers.add(stop);
    return { news, stop };
  }

  return {
    stored(id, entries) {
      if (readers.has(id)) {
        const kept = recent.get(id) ?? [];
        kept.push(...entries);
        recent.set(id, kept.length > options.recentEntries ? kept.slice(-options.recentEntries) : kept);
      }
      for (const wake of [...(waiting.get(id) ?? [])]) wake();
    },
    async *follow(id, afterSeq, signal) {
      readers.set(id, (readers.get(id) ?? 0) + 1);
      try {
        let seq = afterSeq;
        while (!signal.aborted) {
          // Asked for before the read, so that what is stored meanwhile is not slept through.
          const listening = listenForNews(id, signal);
          const entries = await entriesBehind(id, seq).catch((error: unknown) => {
            listening.stop();
            throw error;
          });
          const last = entries.at(-1);
          if (last) {
            listening.stop();
            seq = last.seq;
            yield entries;
          } else await listening.news;
        }
      } finally {
        const left = (readers.get(id) ?? 1) - 1;
        if (left > 0) readers.set(id, left);
        else {
          readers.delete(id);
          recent.delete(id);
        }
      }
    },
    readerCount: () => [...readers.values()].reduce((sum, count) => sum + count, 0),
  };
}
