import type { Json, RunHandleV1 } from '@runbeat/adapter-sdk';
import type { AgentId, CompanyId, InstanceId, SessionId } from '../supervisor/model/index.js';
import type { SessionReason, SessionState } from './session-transitions.js';

export const promptStates = ['accepted', 'written', 'acknowledged', 'completed', 'failed', 'cancelled', 'lost'] as const;
export type PromptState = (typeof promptStates)[number];
export type SettledPromptState = Extract<PromptState, 'completed' | 'failed' | 'cancelled' | 'lost'>;

/** A message to the agent, settled exactly once under its own id. */
export interface SessionPrompt {
  readonly id: string;
  readonly prompt: Json;
  readonly state: PromptState;
  readonly workerId: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly result: Json;
  readonly acceptedAt: Date;
  readonly settledAt: Date | null;
}

export function isSettled(prompt: Pick<SessionPrompt, 'state'>): boolean {
  return prompt.state === 'completed' || prompt.state === 'failed' || prompt.state === 'cancelled' || prompt.state === 'lost';
}

/** A question of the agent that nobody has answered yet. */
export interface OpenRequest {
  readonly requestId: string;
  readonly promptId: string | null;
  readonly request: Json;
  readonly seq: number;
}

/** A conversation as it is stored. */
export interface Session {
  readonly id: SessionId;
  readonly companyId: CompanyId;
  readonly agentId: AgentId;
  readonly adapterType: string;
  readonly state: SessionState;
  readonly reason: SessionReason;
  readonly detail: string | null;
  /** Seq of the journal entry that told of this state. */
  readonly statusSeq: number;
  readonly headSeq: number;
  readonly workerId: string | null;
  readonly ownerInstanceId: InstanceId | null;
  readonly ownerEpoch: number;
  readonly handle: RunHandleV1 | null;
  readonly outputCursor: string | null;
  /** The adapter's own session, to resume the conversation in a new process. */
  readonly adapterSession: Json;
  readonly openRequests: readonly OpenRequest[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Set when the session was deleted; it takes no message then. */
  readonly endedAt: Date | null;
}

export const journalKinds = [
  'input',
  'acknowledged',
  'output',
  'request',
  'answer',
  'settled',
  'status',
  'exit',
  'stderr',
  'protocol_error',
  'cancel',
] as const;
export type JournalKind = (typeof journalKinds)[number];

export interface JournalEntry {
  readonly seq: number;
  readonly at: Date;
  readonly kind: JournalKind;
  readonly workerId: string | null;
  readonly promptId: string | null;
  readonly data: Json;
}
