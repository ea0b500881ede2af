import type { Json } from '@runbeat/adapter-sdk';
import type { AgentId, CompanyId, IssueId, RunId, WakeupRequestId } from './ids.js';

export const wakeupSources = ['timer', 'assignment', 'on_demand', 'automation'] as const;
export type WakeupSource = (typeof wakeupSources)[number];

export const wakeupStatuses = [
  'queued',
  'deferred',
  'claimed',
  'coalesced',
  'skipped',
  'completed',
  'failed',
  'cancelled',
] as const;
export type WakeupStatus = (typeof wakeupStatuses)[number];

/** "This agent should run, because …" */
export interface WakeupRequest {
  readonly id: WakeupRequestId;
  readonly companyId: CompanyId;
  readonly agentId: AgentId;
  readonly source: WakeupSource;
  readonly reason: string | null;
  readonly prompt: string | null;
  readonly payload: Json;
  readonly issueId: IssueId | null;
  readonly taskKey: string | null;
  readonly priority: number;
  readonly idempotencyKey: string | null;
  readonly status: WakeupStatus;
  /** Why it was skipped, deferred or coalesced, in words. */
  readonly statusReason: string | null;
  /** The run that it started, or into which it was coalesced; null while deferred, or when skipped. */
  readonly runId: RunId | null;
  /** How many later wakes were folded into this one. */
  readonly coalescedCount: number;
  /** `agent:<id>`, `user:<id>`, `run:<id>`, `system`: who asked. */
  readonly requestedBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
