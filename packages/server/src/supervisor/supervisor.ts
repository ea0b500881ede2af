import type { Json } from '@runbeat/adapter-sdk';
import type {
  AgentId,
  AnswerOf,
  CompanyId,
  InstanceId,
  Issue,
  IssueComment,
  IssueId,
  IssueStatus,
  Run,
  RunId,
  RunPlacement,
  WakeupRequest,
  WakeupSource,
} from './model/index.js';

/** A wish that an agent runs. Same `idempotencyKey` = same answer, once. */
export interface WakeupInput {
  readonly companyId: CompanyId;
  readonly agentId: AgentId;
  readonly source: WakeupSource;
  readonly reason?: string | null;
  readonly prompt?: string | null;
  readonly payload?: Json;
  readonly issueId?: IssueId | null;
  readonly taskKey?: string | null;
  readonly priority?: number;
  readonly idempotencyKey?: string | null;
  readonly requestedBy?: string | null;
  readonly retryReason?: string | null;
  /** The ended run that this one tries again. */
  readonly retryOfRunId?: RunId | null;
  readonly placement?: RunPlacement | null;
  readonly timeoutMs?: number | null;
  readonly adapterConfigOverride?: Json;
}

export type WakeupAnswer =
  | {
      readonly outcome: 'queued' | 'coalesced';
      readonly reason: string | null;
      readonly wakeupRequest: WakeupRequest;
      readonly run: Run;
    }
  | {
      readonly outcome: 'deferred' | 'skipped';
      readonly reason: string;
      readonly wakeupRequest: WakeupRequest;
      readonly run: Run | null;
    };

/** One piece of the answer to "why": a sentence and what it rests on. */
export interface Explanation {
  readonly code: string;
  readonly sentence: string;
  readonly evidence: Json;
  readonly at: Date | null;
}

/** Who changes an issue: an agent is never woken by its own comment. */
export type Actor =
  | { readonly kind: 'agent'; readonly agentId: AgentId; readonly runId: RunId | null }
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'system' };

/**
 * Issues change through the supervisor, since their changes wake agents and hold locks. With `answerOf` the answer of the
 * call is kept with what it creates; rejects with `idempotency_in_progress` when one is kept under its key already.
 */
export interface IssueOperations {
  create(
    input: {
      companyId: CompanyId;
      title: string;
      description?: string | null;
      status?: IssueStatus;
      priority?: number;
      assigneeAgentId?: AgentId | null;
      assigneeUserId?: string | null;
    },
    actor: Actor,
    answerOf?: AnswerOf<Issue>,
  ): Promise<Issue>;
  update(
    id: IssueId,
    patch: Partial<Pick<Issue, 'title' | 'description' | 'status' | 'priority' | 'assigneeAgentId' | 'assigneeUserId'>>,
    actor: Actor,
  ): Promise<Issue>;
  comment(id: IssueId, body: string, actor: Actor, answerOf?: AnswerOf<IssueComment>): Promise<IssueComment>;
  /** The run takes the issue: `checkoutRunId` and `in_progress`. Rejects with `issue_checked_out` naming the holder. */
  checkout(id: IssueId, runId: RunId): Promise<Issue>;
  release(id: IssueId, runId: RunId): Promise<Issue>;
}

/** The part of Runbeat that never loses a run. Driven through ports; knows no HTTP, SQL or process library. */
export interface Supervisor {
  /** Registers the instance, reattaches, then starts the loops. Rejects when the store cannot be reached. */
  start(): Promise<void>;
  /** Orderly: attached work is stopped, out-of-process work goes on, everything is written down; within `shutdownGraceMs`. */
  stop(): Promise<void>;
  enqueueWakeup(input: WakeupInput): Promise<WakeupAnswer>;
  /** Marks the cancel; the owner acts on it. Resolves with the run as it is then; `cancelled` only when nothing is alive. */
  cancelRun(id: RunId, options: { readonly reason: string | null; readonly actor: Actor }): Promise<Run>;
  /** A new run of the same agent, issue and input; rejects with `run_not_finished` while it is active. */
  retryRun(id: RunId, actor: Actor): Promise<WakeupAnswer>;
  /** Proof of life from outside (the workload itself, by its run token). */
  reportRunActivity(id: RunId): Promise<void>;
  reapOrphanedRuns(): Promise<{ readonly reaped: number; readonly runIds: readonly RunId[] }>;
  reconcileStrandedAssignedIssues(): Promise<{
    readonly dispatchRequeued: number;
    readonly continuationRequeued: number;
    readonly escalated: number;
    readonly issueIds: readonly IssueId[];
  }>;
  explainRun(id: RunId): Promise<readonly Explanation[]>;
  readonly issues: IssueOperations;
  /** Runs executing in this process now. */
  readonly activeRunIds: () => readonly RunId[];
  /** Resolves when nothing is queued or running here any more; for `runbeat run` and tests. */
  whenSettled(id: RunId): Promise<Run>;
  /** Whether the instance holds its lease; `/readyz` shows it. */
  readonly isLeaseHeld: () => boolean;
  /** Under which this process owns runs now; new after a lost lease. */
  readonly instanceId: () => InstanceId;
}
