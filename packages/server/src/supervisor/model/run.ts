import type { Json, RunHandleV1, RunUsageV1 } from '@runbeat/adapter-sdk';
import type { AgentId, CompanyId, InstanceId, IssueId, RunId, WakeupRequestId } from './ids.js';
import type { RunPhase, RunStatus } from './run-status.js';
import type { WakeupSource } from './wakeup-request.js';

/** What the run was asked to do, kept with it so that a later change of the agent or issue cannot alter it. */
export interface RunContextSnapshot {
  readonly prompt: string | null;
  readonly reason: string | null;
  readonly payload: Json;
  /** The wakes that were folded into this run, oldest first. */
  readonly coalesced: readonly {
    readonly wakeupRequestId: string;
    readonly reason: string | null;
    readonly prompt: string | null;
    readonly payload: Json;
  }[];
  /** Set when the run itself is a second try: `process_lost`, `transient_failure`, `assignment_recovery`, `issue_continuation_needed`, `manual`. */
  readonly retryReason: string | null;
  /** Where to run; null = on the server. */
  readonly placement: RunPlacement | null;
  /** An adapter type and config given with this run instead of the agent's own (`runbeat run -- …`); null = the agent's. */
  readonly adapterConfigOverride: Json;
}

/** The place of execution that an agent or run names. */
export type RunPlacement = { readonly runnerId: string } | { readonly runnerLabel: string };

/** A warning on a running run, shown until it is cleared by activity. */
export interface RunWarning {
  readonly code: string;
  readonly message: string;
  readonly at: string;
}

/** One execution of an agent (`heartbeat_runs`). */
export interface Run {
  readonly id: RunId;
  readonly companyId: CompanyId;
  readonly agentId: AgentId;
  readonly adapterType: string;
  readonly status: RunStatus;
  readonly phase: RunPhase | null;
  readonly invocationSource: WakeupSource;
  readonly wakeupRequestId: WakeupRequestId;
  readonly issueId: IssueId | null;
  /** Conversation key; `previousSession` is looked up by (agent, adapter type, task key). */
  readonly taskKey: string | null;
  readonly contextSnapshot: RunContextSnapshot;
  /** Higher runs first. */
  readonly priority: number;
  /** Not claimed before; a delayed retry. */
  readonly notBefore: Date | null;
  readonly ownerInstanceId: InstanceId | null;
  /** Rises with every claim and adoption; a write with an old epoch is refused. */
  readonly ownerEpoch: number;
  /** Executions started for this run id (1 with the first claim). */
  readonly attempt: number;
  readonly handle: RunHandleV1 | null;
  readonly processPid: number | null;
  readonly processGroupId: number | null;
  readonly processStartedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Last proof of life. */
  readonly updatedAt: Date;
  readonly deadlineAt: Date | null;
  readonly timeoutMs: number | null;
  readonly idleTimeoutMs: number | null;
  readonly lastOutputAt: Date | null;
  readonly logBytes: number;
  readonly logCursor: string | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelReason: string | null;
  readonly warning: RunWarning | null;
  /** When a probe last could not find out; null once it could. */
  readonly unknownSince: Date | null;
  /** Next time at which the reaper may ask again. */
  readonly nextProbeAt: Date | null;
  /** Deaths of instances that this run was starting or attached in (poison guard). */
  readonly instanceDeathCount: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly usage: RunUsageV1 | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly costUsd: number | null;
  readonly summary: string | null;
  readonly resultJson: Json;
  readonly retryOfRunId: RunId | null;
  readonly processLossRetryCount: number;
  readonly transientRetryCount: number;
  readonly createdAt: Date;
}

/** A run that has not been stored yet. */
export type NewRun = Pick<
  Run,
  | 'id'
  | 'companyId'
  | 'agentId'
  | 'adapterType'
  | 'invocationSource'
  | 'wakeupRequestId'
  | 'issueId'
  | 'taskKey'
  | 'contextSnapshot'
  | 'priority'
  | 'notBefore'
  | 'timeoutMs'
  | 'idleTimeoutMs'
  | 'retryOfRunId'
  | 'processLossRetryCount'
  | 'transientRetryCount'
> & {
  readonly createdAt: Date;
};

/** What may change in a stored run, besides its status (see `moveRun`). */
export type RunPatch = Partial<Omit<Run, 'id' | 'companyId' | 'agentId' | 'status' | 'createdAt'>>;
