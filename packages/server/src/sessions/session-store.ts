import type { AgentId, CompanyId, InstanceId, KeptAnswer, SessionId } from '../supervisor/model/index.js';
import type { JournalEntry, Session, SessionPrompt } from './session.js';

/** Everything that one step of a session changes; written in one transaction. */
export interface SessionCommit {
  readonly session: Session;
  /** Refused unless the stored row still has this owner epoch. */
  readonly ownerEpoch: number;
  readonly prompts: readonly SessionPrompt[];
  readonly entries: readonly JournalEntry[];
}

/** Where sessions are kept: PostgreSQL, or memory in tests. */
export interface SessionStore {
  /** Both or neither; rejects with `idempotency_in_progress` when an answer is kept under the key already. */
  create(session: Session, answer: KeptAnswer | null): Promise<void>;
  get(id: SessionId): Promise<Session | null>;
  list(query: {
    readonly companyId: CompanyId;
    readonly agentId?: AgentId;
    readonly limit: number;
    readonly cursor: string | null;
  }): Promise<{ readonly items: readonly Session[]; readonly nextCursor: string | null }>;
  /** False when somebody else owns the session now: the writer must stop touching it. */
  commit(change: SessionCommit): Promise<boolean>;
  getPrompt(id: SessionId, promptId: string): Promise<SessionPrompt | null>;
  listUnsettledPrompts(id: SessionId): Promise<readonly SessionPrompt[]>;
  /** In order, behind `afterSeq`. */
  readJournal(id: SessionId, query: { readonly afterSeq: number; readonly limit: number }): Promise<readonly JournalEntry[]>;
  /** Sessions that are not ended, or have a worker left, and whose owner is null, has ended, or let its lease expire. */
  listOrphans(query: { readonly now: Date; readonly limit: number }): Promise<readonly Session[]>;
  /** Takes the session over; null when another instance was quicker. The answer has the new epoch. */
  adopt(
    id: SessionId,
    query: { readonly expectedEpoch: number; readonly instanceId: InstanceId; readonly now: Date },
  ): Promise<Session | null>;
}
