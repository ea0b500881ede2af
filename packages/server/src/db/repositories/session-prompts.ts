import type { Json } from '@runbeat/adapter-sdk';
import { and, desc, eq, isNull } from 'drizzle-orm';
import type { CompanyId, SessionId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { type SessionPromptState, sessionPrompts } from '../schema/index.js';

export type { SessionPromptState } from '../schema/index.js';

export interface SessionPrompt {
  readonly sessionId: SessionId;
  readonly promptId: string;
  readonly companyId: CompanyId;
  readonly state: SessionPromptState;
  readonly prompt: Json;
  readonly workerId: string | null;
  readonly outcome: Json;
  readonly acceptedAt: Date;
  readonly updatedAt: Date;
  readonly settledAt: Date | null;
}

export type PromptAcceptance =
  | { readonly outcome: 'accepted'; readonly prompt: SessionPrompt }
  /** The same id came before; its row, settled or not. */
  | { readonly outcome: 'known'; readonly prompt: SessionPrompt }
  | { readonly outcome: 'busy'; readonly inFlight: SessionPrompt };

/** Busy check and reservation in one statement: a unique index admits one unsettled prompt per session. */
export async function acceptSessionPrompt(
  executor: Executor,
  input: Pick<SessionPrompt, 'sessionId' | 'promptId' | 'companyId' | 'prompt'>,
  now: Date,
): Promise<PromptAcceptance> {
  for (;;) {
    const [accepted] = await executor
      .insert(sessionPrompts)
      .values({ ...input, state: 'accepted', acceptedAt: now, updatedAt: now })
      .onConflictDoNothing()
      .returning();
    if (accepted !== undefined) return { outcome: 'accepted', prompt: accepted };
    const known = await getSessionPrompt(executor, input.sessionId, input.promptId);
    if (known !== null) return { outcome: 'known', prompt: known };
    const inFlight = await getPromptInFlight(executor, input.sessionId);
    if (inFlight !== null) return { outcome: 'busy', inFlight };
    // Whatever was in the way settled between the statements: the place is free now.
  }
}

export async function getSessionPrompt(
  executor: Executor,
  sessionId: SessionId,
  promptId: string,
): Promise<SessionPrompt | null> {
  const [prompt] = await executor
    .select()
    .from(sessionPrompts)
    .where(and(eq(sessionPrompts.sessionId, sessionId), eq(sessionPrompts.promptId, promptId)));
  return prompt ?? null;
}

export async function getPromptInFlight(executor: Executor, sessionId: SessionId): Promise<SessionPrompt | null> {
  const [prompt] = await executor
    .select()
    .from(sessionPrompts)
    .where(and(eq(sessionPrompts.sessionId, sessionId), isNull(sessionPrompts.settledAt)));
  return prompt ?? null;
}

/** Moves an unsettled prompt on; `stale` when it is settled already. A state with `outcome` settles it, exactly once. */
export async function moveSessionPrompt(
  executor: Executor,
  key: { readonly sessionId: SessionId; readonly promptId: string },
  change:
    | { readonly state: 'written' | 'acknowledged'; readonly workerId: string }
    | { readonly state: 'completed' | 'failed' | 'cancelled' | 'lost'; readonly outcome: Json },
  now: Date,
): Promise<'moved' | 'stale'> {
  const result = await executor
    .update(sessionPrompts)
    .set({ ...change, updatedAt: now, ...('outcome' in change ? { settledAt: now } : {}) })
    .where(
      and(
        eq(sessionPrompts.sessionId, key.sessionId),
        eq(sessionPrompts.promptId, key.promptId),
        isNull(sessionPrompts.settledAt),
      ),
    );
  return result.rowCount === 1 ? 'moved' : 'stale';
}

/** The latest prompts, newest first. */
export async function listSessionPrompts(
  executor: Executor,
  sessionId: SessionId,
  limit: number,
): Promise<readonly SessionPrompt[]> {
  return executor
    .select()
    .from(sessionPrompts)
    .where(eq(sessionPrompts.sessionId, sessionId))
    .orderBy(desc(sessionPrompts.acceptedAt))
    .limit(Math.max(1, Math.min(200, limit)));
}
