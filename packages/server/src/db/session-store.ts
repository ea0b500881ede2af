import type { Json, RunHandleV1 } from '@runbeat/adapter-sdk';
import { sql } from 'drizzle-orm';
import {
  type JournalEntry,
  type JournalKind,
  type OpenRequest,
  type Session,
  type SessionPrompt,
  type SessionReason,
  type SessionState,
  type SessionStore,
  sessionFailures,
} from '../sessions/index.js';
import type { CompanyId, SessionId } from '../supervisor/model/index.js';
import type { Database } from './database.js';
import {
  adoptInteractiveSession,
  appendSessionJournal,
  findSessionWorkerHandle,
  getInteractiveSession,
  getPromptInFlight,
  getSessionPrompt,
  type InteractiveSession,
  insertInteractiveSession,
  keepAnswer,
  listInteractiveSessions,
  listOrphanedSessions,
  patchInteractiveSession,
  putSessionPrompt,
  readSessionJournal,
  type SessionPrompt as SessionPromptRow,
} from './repositories/index.js';

/**
 * Sessions in PostgreSQL. A commit does not wait for the disk (`synchronous_commit off`, for this transaction only): it
 * survives the death of this process at once, and what a crash of the machine could take back (a fraction of a second)
 * is read again from the worker's own files by the cursor that was lost with it.
 */
export function createPostgresSessionStore(database: Database): SessionStore {
  const { executor } = database;
  return {
    async create(session, answer) {
      await database.transaction(async (transaction) => {
        await insertInteractiveSession(transaction, { ...rowFromSession(session), runId: null, taskKey: null });
        if (answer !== null) await keepAnswer(transaction, answer, session.createdAt);
      });
    },
    async get(id) {
      const row = await getInteractiveSession(executor, id);
      return row && sessionFromRow(row);
    },
    async list(query) {
      const page = await listInteractiveSessions(
        executor,
        { companyId: query.companyId, agentId: query.agentId },
        { limit: query.limit, cursor: query.cursor },
      );
      return { items: page.items.map(sessionFromRow), nextCursor: page.nextCursor };
    },
    async commit({ session, ownerEpoch, prompts, entries }) {
      const now = session.updatedAt;
      try {
        await database.transaction(async (transaction, later) => {
          // Sent in one go: only whether the row is still ours is waited for.
          later(transaction.execute(sql`SET LOCAL synchronous_commit TO off`));
          const {
            state,
            reason,
            detail,
            headSeq,
            workerId,
            handle,
            outputCursor,
            adapterSession,
            statusSeq,
            openRequests,
            endedAt,
          } = rowFromSession(session);
          const moved = patchInteractiveSession(
            transaction,
            { id: session.id, ownerEpoch },
            { state, reason, detail, headSeq, workerId, handle, outputCursor, adapterSession, statusSeq, openRequests, endedAt },
            now,
          );
          // Settled ones first: the index admits one unsettled prompt.
          for (const prompt of [...prompts].sort((a, b) => Number(b.settledAt !== null) - Number(a.settledAt !== null))) {
            later(putSessionPrompt(transaction, rowFromPrompt(session, prompt, now)));
          }
          later(
            appendSessionJournal(
              transaction,
              entries.map((entry) => ({ ...entry, sessionId: session.id, companyId: session.companyId })),
            ),
          );
          if ((await moved) === 'stale') throw sessionFailures.elsewhere(session.id, null);
        });
        return true;
      } catch (error) {
        if ((error as { code?: unknown }).code === 'session_elsewhere') return false;
        throw error;
      }
    },
    async getPrompt(id, promptId) {
      const row = await getSessionPrompt(executor, id, promptId);
      return row && promptFromRow(row);
    },
    async listUnsettledPrompts(id) {
      const row = await getPromptInFlight(executor, id);
      return row ? [promptFromRow(row)] : [];
    },
    async readJournal(id, query) {
      const rows = await readSessionJournal(executor, id, query);
      return rows.map(
        (row): JournalEntry => ({
          seq: row.seq,
          at: row.at,
          kind: row.kind as JournalKind,
          workerId: row.workerId,
          promptId: row.promptId,
          data: row.data,
        }),
      );
    },
    async listOrphans({ now, limit }) {
      return (await listOrphanedSessions(executor, now, limit)).map(sessionFromRow);
    },
    async adopt(id, { expectedEpoch, instanceId, now }) {
      const row = await adoptInteractiveSession(executor, { id, ownerEpoch: expectedEpoch }, instanceId, now);
      return row && sessionFromRow(row);
    },
  };
}

/**
 * Whether a worker of a session lives as far as its session knows: it has a handle until its end is stored. `unknown` = no
 * session has this worker now.
 */
export function createSessionWorkerStatus(database: Database): (workerId: string) => Promise<'active' | 'ended' | 'unknown'> {
  return async (workerId) => {
    const handle = await findSessionWorkerHandle(database.executor, workerId);
    return handle === undefined ? 'unknown' : handle === null ? 'ended' : 'active';
  };
}

function sessionFromRow(row: InteractiveSession): Session {
  const { runId: _runId, taskKey: _taskKey, ...rest } = row;
  return {
    ...rest,
    state: row.state as SessionState,
    reason: (row.reason ?? 'start') as SessionReason,
    handle: row.handle as RunHandleV1 | null,
    openRequests: row.openRequests as unknown as readonly OpenRequest[],
  };
}

function rowFromSession(session: Session): Omit<InteractiveSession, 'runId' | 'taskKey'> {
  return { ...session, handle: session.handle as Json, openRequests: session.openRequests as unknown as Json };
}

function promptFromRow(row: SessionPromptRow): SessionPrompt {
  const outcome = row.outcome as { code?: string; message?: string; result?: Json } | null;
  return {
    id: row.promptId,
    prompt: row.prompt,
    state: row.state,
    workerId: row.workerId,
    code: outcome?.code ?? null,
    message: outcome?.message ?? null,
    result: outcome?.result ?? null,
    acceptedAt: row.acceptedAt,
    settledAt: row.settledAt,
  };
}

function rowFromPrompt(
  session: { readonly id: SessionId; readonly companyId: CompanyId },
  prompt: SessionPrompt,
  now: Date,
): SessionPromptRow {
  const { code, message, result } = prompt;
  return {
    sessionId: session.id,
    companyId: session.companyId,
    promptId: prompt.id,
    state: prompt.state,
    prompt: prompt.prompt,
    workerId: prompt.workerId,
    outcome: prompt.settledAt ? { code, message, result } : null,
    acceptedAt: prompt.acceptedAt,
    updatedAt: now,
    settledAt: prompt.settledAt,
  };
}
