import type { Json } from '@runbeat/adapter-sdk';
import { and, eq, isNull } from 'drizzle-orm';
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

/**
 * Writes a prompt as its session's single writer knows it. A settled row never changes again, and a unique index admits
 * one unsettled prompt per session, so that "busy" is a fact of the database too.
 */
export async function putSessionPrompt(executor: Executor, prompt: SessionPrompt): Promise<void> {
  await executor
    .insert(sessionPrompts)
    .values(prompt)
    .onConflictDoUpdate({
      target: [sessionPrompts.sessionId, sessionPrompts.promptId],
      set: {
        state: prompt.state,
        workerId: prompt.workerId,
        outcome: prompt.outcome,
        updatedAt: prompt.updatedAt,
        settledAt: prompt.settledAt,
      },
      setWhere: isNull(sessionPrompts.settledAt),
    });
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
