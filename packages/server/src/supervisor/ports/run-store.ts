import type { Json } from '@runbeat/adapter-sdk';
import type {
  Agent,
  AgentId,
  AgentRuntimeState,
  CompanyId,
  InstanceId,
  Issue,
  IssueComment,
  IssueId,
  KeptAnswer,
  NewLiveEvent,
  NewRun,
  NewRunEvent,
  Run,
  RunEvent,
  RunId,
  RunPatch,
  RunPlacement,
  RunStatus,
  ServerInstance,
  WakeupRequest,
  WakeupRequestId,
  WakeupSource,
  WakeupStatus,
} from '../model/index.js';

/** A compare-and-set either took effect or met a row that had moved on. */
export type CompareAndSet = 'moved' | 'stale';

/**
 * Statements inside one database transaction. Everything that must be true together is written through one of these.
 * Lock order, to exclude deadlocks: idempotency key, agent, issue, run, wakeup request.
 */
export interface RunStoreTransaction {
  /** Serialises transactions that use this key, until the end of this one. */
  lockIdempotencyKey(companyId: CompanyId, key: string): Promise<void>;

  getAgent(id: AgentId): Promise<Agent | null>;
  /** Reads and locks the row; admissions and claims of one agent are serialised by it. */
  lockAgent(id: AgentId): Promise<Agent | null>;
  patchAgent(id: AgentId, patch: Partial<Pick<Agent, 'status' | 'statusReason'>>, now: Date): Promise<void>;
  getAgentRuntimeState(id: AgentId): Promise<AgentRuntimeState | null>;
  /** Upsert; `add` members are added to the stored counters. */
  updateAgentRuntimeState(
    agent: Pick<Agent, 'id' | 'companyId'>,
    change: {
      readonly set?: Partial<
        Omit<AgentRuntimeState, 'agentId' | 'companyId' | 'totalRuns' | 'totalInputTokens' | 'totalOutputTokens' | 'totalCostUsd'>
      >;
      readonly add?: Partial<Pick<AgentRuntimeState, 'totalRuns' | 'totalInputTokens' | 'totalOutputTokens' | 'totalCostUsd'>>;
    },
  ): Promise<void>;
  /** Active agents with timer wakes whose `nextTimerWakeAt` is null or past. */
  listAgentsDueForTimer(now: Date, limit: number): Promise<readonly Agent[]>;
  /** The session stored under (agent, adapter type, task key); null when there is none. */
  getAgentSession(agentId: AgentId, adapterType: string, taskKey: string): Promise<Json>;
  putAgentSession(
    session: { companyId: CompanyId; agentId: AgentId; adapterType: string; taskKey: string; value: Json; runId: RunId },
    now: Date,
  ): Promise<void>;

  findWakeupByIdempotencyKey(companyId: CompanyId, key: string): Promise<WakeupRequest | null>;
  getWakeup(id: WakeupRequestId): Promise<WakeupRequest | null>;
  insertWakeup(wakeup: WakeupRequest): Promise<void>;
  moveWakeup(
    guard: { readonly id: WakeupRequestId; readonly from: readonly WakeupStatus[] },
    patch: Partial<Pick<WakeupRequest, 'status' | 'statusReason' | 'runId' | 'coalescedCount'>>,
    now: Date,
  ): Promise<CompareAndSet>;
  /** Deferred wakes of the issue, oldest first, locked. */
  listDeferredWakeups(issueId: IssueId): Promise<readonly WakeupRequest[]>;

  insertRun(run: NewRun): Promise<void>;
  getRun(id: RunId): Promise<Run | null>;
  lockRun(id: RunId): Promise<Run | null>;
  /**
   * The only way a status changes (called by `settle/move-run.ts` alone). Refused as `stale` unless the row has one of
   * `from` and, where given, the epoch. `ownerEpoch` in `patch` sets the new one.
   */
  moveRun(
    guard: { readonly id: RunId; readonly from: readonly RunStatus[]; readonly ownerEpoch?: number },
    to: RunStatus,
    patch: RunPatch,
  ): Promise<CompareAndSet>;
  /** Changes a run that keeps its status; with `ownerEpoch` refused unless it still is that epoch and `running`. */
  patchRun(
    guard: { readonly id: RunId; readonly ownerEpoch?: number; readonly status?: RunStatus },
    patch: RunPatch,
  ): Promise<CompareAndSet>;
  /** The queued run into which a wake of this agent and issue may be coalesced; locked. With `issueId` null: by `source`. */
  findQueuedRun(query: {
    readonly agentId: AgentId;
    readonly issueId: IssueId | null;
    readonly source?: WakeupSource;
  }): Promise<Run | null>;
  /**
   * Queued runs that may start now, best first (priority with ageing, then age), locked with SKIP LOCKED.
   * `excludeAdapterTypes` are those without a free slot; `excludeAgentIds` likewise.
   */
  selectClaimable(query: {
    readonly now: Date;
    readonly limit: number;
    /** One priority step is worth this much waiting. */
    readonly ageingMs: number;
    readonly excludeAgentIds: readonly AgentId[];
    readonly excludeAdapterTypes: readonly string[];
    /** Places (`contextSnapshot.placement`) that cannot take a run now; absent = all can. */
    readonly excludePlacements?: readonly RunPlacement[];
  }): Promise<readonly Run[]>;
  countRunningByAgent(agentIds: readonly AgentId[]): Promise<ReadonlyMap<AgentId, number>>;

  getIssue(id: IssueId): Promise<Issue | null>;
  lockIssue(id: IssueId): Promise<Issue | null>;
  insertIssue(issue: Issue): Promise<void>;
  patchIssue(id: IssueId, patch: Partial<Omit<Issue, 'id' | 'companyId' | 'createdAt'>>, now: Date): Promise<void>;
  insertIssueComment(comment: IssueComment): Promise<void>;
  /** Agents of the company whose names are among these (case-insensitive), for mentions. */
  findAgentsByName(companyId: CompanyId, names: readonly string[]): Promise<readonly Agent[]>;
  /** True when a queued or running run, or a deferred wake, of this issue exists. */
  hasActiveWork(issueId: IssueId): Promise<boolean>;
  getLastRunOfIssue(issueId: IssueId): Promise<Run | null>;

  /** `seq` is given by the store, in order. */
  appendRunEvents(run: Pick<RunEvents, 'id' | 'companyId'>, events: readonly NewRunEvent[]): Promise<void>;
  /** The outbox. Numbered and delivered only after the commit. */
  appendLiveEvents(events: readonly NewLiveEvent[]): Promise<void>;
  /** Both of these for a whole transaction. */
  appendEvents(events: { readonly runs: readonly RunEvents[]; readonly live: readonly NewLiveEvent[] }): Promise<void>;
  appendActivity(
    entry: { companyId: CompanyId; actor: string; action: string; entityType: string; entityId: string; data?: Json },
    now: Date,
  ): Promise<void>;
  /**
   * Of a call with an `Idempotency-Key`, as the last write of its transaction. Rejects with `idempotency_in_progress` when
   * an answer is kept under the key already; waits for a transaction that is about to keep one.
   */
  keepAnswer(answer: KeptAnswer, now: Date): Promise<void>;
}

/** What happened to one run, in order; once per run in a call. */
export interface RunEvents {
  readonly id: RunId;
  readonly companyId: CompanyId;
  readonly events: readonly NewRunEvent[];
}

/** One liveness refresh of the throttled batch. */
export interface LivenessRefresh {
  readonly runId: RunId;
  readonly ownerEpoch: number;
  readonly updatedAt: Date;
  readonly lastOutputAt: Date | null;
  readonly logBytes: number;
  readonly logCursor: string | null;
  /** The run's `process_detached` warning is over. */
  readonly isWarningCleared: boolean;
}

/** Where runs are kept. Two implementations, one conformance suite: PostgreSQL and memory (tests). */
export interface RunStore {
  /**
   * Runs `work` in one transaction, committed when it resolves, rolled back when it rejects. The implementation retries
   * it on serialisation failures and deadlocks (so `work` must have no other effects), and rejects with code
   * `database_unavailable` when the database cannot be reached.
   */
  transaction<T>(work: (tx: RunStoreTransaction) => Promise<T>): Promise<T>;

  getRun(id: RunId): Promise<Run | null>;
  getAgent(id: AgentId): Promise<Agent | null>;
  getIssue(id: IssueId): Promise<Issue | null>;
  getWakeup(id: WakeupRequestId): Promise<WakeupRequest | null>;
  listRunEvents(runId: RunId, query: { readonly afterSeq: number; readonly limit: number }): Promise<readonly RunEvent[]>;

  /** One `UPDATE … = ANY`; returns the runs that were refused because they have a new owner or ended. */
  refreshLiveness(batch: readonly LivenessRefresh[]): Promise<{ readonly refused: readonly RunId[] }>;

  /**
   * The reaper's suspects by index: running runs whose owner is not among the living instances, and running runs whose
   * `updatedAt` is older than `staleBefore`, of these only with `nextProbeAt` null or past; and those past `deadlineAt`
   * without a living owner. Bounded by `limit`, oldest proof of life first.
   */
  listRecoveryCandidates(query: {
    readonly now: Date;
    readonly staleBefore: Date;
    readonly limit: number;
    readonly instanceId: InstanceId;
  }): Promise<readonly Run[]>;
  /** Running runs with a cancel request that this instance owns or that nobody alive owns. */
  listCancelRequests(query: {
    readonly instanceId: InstanceId;
    readonly now: Date;
    readonly limit: number;
  }): Promise<readonly Run[]>;
  /** Running runs owned by the instance. */
  listOwnedRuns(instanceId: InstanceId): Promise<readonly Run[]>;
  /** Issues `todo` or `in_progress`, assigned to an agent, without active work, whose last run did not succeed. */
  listStrandedIssues(query: { readonly now: Date; readonly limit: number }): Promise<readonly Issue[]>;
  /** When the next delayed run becomes claimable; null when none is queued with `notBefore` in the future. */
  nextNotBefore(now: Date): Promise<Date | null>;

  registerInstance(instance: ServerInstance): Promise<void>;
  /** False when the row is gone or its lease had already expired and runs may have been adopted. */
  renewLease(id: InstanceId, query: { readonly now: Date; readonly leaseMs: number }): Promise<boolean>;
  endInstance(id: InstanceId, now: Date): Promise<void>;
  listInstances(): Promise<readonly ServerInstance[]>;
  /** Removes instances that ended or expired before `before` and own no running run. */
  pruneInstances(before: Date): Promise<number>;
  /** The database's clock. */
  databaseNow(): Promise<Date>;
  /**
   * Runs `work` if no other instance is inside the loop of this name (advisory lock on a connection of its own);
   * `false` when somebody else is.
   */
  withExclusiveLoop(name: string, work: () => Promise<void>): Promise<boolean>;
  /** Numbers for metrics: runs by status, queue age. */
  countRuns(): Promise<{ readonly queued: number; readonly running: number; readonly oldestQueuedAt: Date | null }>;
}
