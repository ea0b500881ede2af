import type { Session, SessionPrompt } from '../session.js';
import { isSettled, type JournalEntry } from '../session.js';
import type { SessionStore } from '../session-store.js';

/** Sessions in memory, with the guards of the real store, for tests. `breakOnce` makes the next commits fail. */
export interface MemorySessionStore extends SessionStore {
  readonly journal: (id: string) => readonly JournalEntry[];
  readonly promptsOf: (id: string) => readonly SessionPrompt[];
  /** What each prompt was settled as, in order; more than one entry a prompt would be a broken promise. */
  readonly settlements: readonly { readonly promptId: string; readonly state: string }[];
  isInstanceAlive: (instanceId: string) => boolean;
  failNext: number;
}

export function createMemorySessionStore(): MemorySessionStore {
  const sessions = new Map<string, Session>();
  const journals = new Map<string, JournalEntry[]>();
  const prompts = new Map<string, Map<string, SessionPrompt>>();
  const settlements: { promptId: string; state: string }[] = [];
  const store: MemorySessionStore = {
    failNext: 0,
    isInstanceAlive: () => true,
    settlements,
    journal: (id) => journals.get(id) ?? [],
    promptsOf: (id) => [...(prompts.get(id)?.values() ?? [])],
    async create(session) {
      sessions.set(session.id, session);
    },
    async get(id) {
      return sessions.get(id) ?? null;
    },
    async list(query) {
      return {
        items: [...sessions.values()].filter((session) => session.companyId === query.companyId).slice(0, query.limit),
        nextCursor: null,
      };
    },
    async commit({ session, ownerEpoch, prompts: changed, entries }) {
      await Promise.resolve();
      if (store.failNext > 0) {
        store.failNext -= 1;
        throw Object.assign(new Error('the database is away'), { code: 'database_unavailable' });
      }
      if (sessions.get(session.id)?.ownerEpoch !== ownerEpoch) return false;
      const journal = journals.get(session.id) ?? [];
      for (const entry of entries) {
        if (entry.seq !== journal.length + 1) throw new Error(`journal entry ${entry.seq} after ${journal.length}`);
        journal.push(entry);
      }
      journals.set(session.id, journal);
      const known = prompts.get(session.id) ?? new Map<string, SessionPrompt>();
      for (const prompt of changed) {
        const before = known.get(prompt.id);
        if (before && isSettled(before)) throw new Error(`prompt ${prompt.id} was settled and changes again`);
        known.set(prompt.id, prompt);
        if (isSettled(prompt)) settlements.push({ promptId: prompt.id, state: prompt.state });
      }
      if ([...known.values()].filter((prompt) => !isSettled(prompt)).length > 1) throw new Error('two prompts are in flight');
      prompts.set(session.id, known);
      sessions.set(session.id, session);
      return true;
    },
    async getPrompt(id, promptId) {
      return prompts.get(id)?.get(promptId) ?? null;
    },
    async listUnsettledPrompts(id) {
      return store.promptsOf(id).filter((prompt) => !isSettled(prompt));
    },
    async readJournal(id, { afterSeq, limit }) {
      return (journals.get(id) ?? []).slice(afterSeq, afterSeq + limit);
    },
    async listOrphans({ limit }) {
      return [...sessions.values()]
        .filter(
          (session) =>
            (!session.endedAt || session.handle) &&
            (session.ownerInstanceId === null || !store.isInstanceAlive(session.ownerInstanceId)),
        )
        .slice(0, limit);
    },
    async adopt(id, { expectedEpoch, instanceId }) {
      const session = sessions.get(id);
      if (session?.ownerEpoch !== expectedEpoch) return null;
      const adopted = { ...session, ownerInstanceId: instanceId, ownerEpoch: expectedEpoch + 1 };
      sessions.set(id, adopted);
      return adopted;
    },
  };
  return store;
}
