import type { Json } from '@runbeat/adapter-sdk';
import type { Clock, Logger } from '../supervisor/ports/index.js';
import type { JournalEntry, JournalKind, Session, SessionPrompt } from './session.js';
import type { SessionStore } from './session-store.js';

/**
 * The session as this instance knows it, ahead of the database by what is pending. Only the session's actor writes it.
 *
 * Changes are made at once in memory and stored in order by one loop; whatever gathers while a commit is under way goes
 * with the next one. A database that is away makes it wait and try again; a commit that is refused (another instance owns
 * the session) ends it for good: `isFenced`, and `onFenced` is called once.
 */
export interface SessionRecord {
  readonly session: () => Session;
  readonly isFenced: () => boolean;
  /** Bytes that are not stored yet; the actor lets the worker wait when they are many. */
  readonly pendingBytes: () => number;
  change(patch: Partial<Omit<Session, 'id' | 'companyId' | 'agentId' | 'headSeq'>>): void;
  putPrompt(prompt: SessionPrompt): void;
  /** Gives the entry its seq. */
  append(
    kind: JournalKind,
    entry: { readonly promptId?: string | null; readonly workerId?: string | null; readonly data: Json },
  ): JournalEntry;
  /** Resolves when everything changed so far is stored; rejects with the fencing error when it never will be. */
  stored(): Promise<void>;
  /** The same for background work: false when it never will be. */
  isStored(): Promise<boolean>;
  close(): void;
}

export interface SessionRecordOptions {
  readonly session: Session;
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retryDelayMs: { readonly first: number; readonly maximum: number };
  /** After a commit, in order: what subscribers may see now. */
  readonly onStored: (entries: readonly JournalEntry[]) => void;
  readonly onFenced: () => void;
  readonly fencedError: () => Error;
}

export function createSessionRecord(options: SessionRecordOptions): SessionRecord {
  const { store, clock, logger } = options;
  let session = options.session;
  let entries: JournalEntry[] = [];
  let prompts = new Map<string, SessionPrompt>();
  let bytes = 0;
  let isDirty = false;
  let isFenced = false;
  let isClosed = false;
  /** The commit under way and everything behind it; null when all is stored. */
  let running: Promise<void> | null = null;

  function kick(): void {
    isDirty = true;
    running ??= storeLoop();
    // Nobody may be waiting for this turn; a refusal is told to those who are, and by `onFenced`.
    running.catch(() => undefined);
  }

  async function storeLoop(): Promise<void> {
    // Let the caller finish what belongs together before the first commit takes it.
    await Promise.resolve();
    try {
      while (isDirty) await storePending();
    } finally {
      // In the same turn as the last look at `isDirty`: a change in the next one must start a new loop.
      running = null;
    }
  }

  async function storePending(): Promise<void> {
    const taken = { session, ownerEpoch: session.ownerEpoch, prompts: [...prompts.values()], entries };
    const takenBytes = bytes;
    [entries, prompts, bytes, isDirty] = [[], new Map(), 0, false];
    let delayMs = options.retryDelayMs.first;
    for (;;) {
      if (isFenced) throw options.fencedError();
      try {
        if (!(await store.commit(taken))) fence();
        else break;
      } catch (error) {
        if (isFenced || isClosed) throw error;
        bytes += takenBytes;
        logger.warn(
          { err: error, sessionId: session.id, retryInMs: delayMs },
          'a session could not be stored; it is tried again',
        );
        const waitMs = delayMs;
        await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
        bytes -= takenBytes;
        delayMs = Math.min(delayMs * 2, options.retryDelayMs.maximum);
      }
    }
    options.onStored(taken.entries);
  }

  function fence(): void {
    isFenced = true;
    options.onFenced();
  }

  const stored = async (): Promise<void> => {
    while (running) await running;
    if (isFenced) throw options.fencedError();
  };

  return {
    session: () => session,
    isFenced: () => isFenced,
    pendingBytes: () => bytes,
    change(patch) {
      session = { ...session, ...patch, updatedAt: clock.now() };
      kick();
    },
    putPrompt(prompt) {
      prompts.set(prompt.id, prompt);
      kick();
    },
    append(kind, { promptId = null, workerId = session.workerId, data }) {
      const entry: JournalEntry = { seq: session.headSeq + 1, at: clock.now(), kind, workerId, promptId, data };
      session = { ...session, headSeq: entry.seq, updatedAt: entry.at };
      entries.push(entry);
      bytes += JSON.stringify(data)?.length ?? 0;
      kick();
      return entry;
    },
    stored,
    isStored: () =>
      stored().then(
        () => true,
        () => false,
      ),
    close() {
      isClosed = true;
    },
  };
}
