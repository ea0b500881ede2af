import { type AdapterV1, InternalError } from '@runbeat/adapter-sdk';
import type { Assignment } from '../execute/execution-host.js';
import type { Agent, AgentId, InstanceId, Issue, Run, RunPatch } from '../model/index.js';
import { moveRun } from '../settle/move-run.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';
import { createClaimSlots, type Exclusions } from './claim-slots.js';
import { planClaim } from './plan-claim.js';

export interface ClaimPass {
  readonly started: readonly Assignment[];
  /** Queued runs that make no sense any more; they are closed in transactions of their own, under their issue's lock. */
  readonly senseless: readonly { readonly run: Run; readonly reason: string }[];
  /** More may be claimable behind those that were looked at. */
  readonly hasMore: boolean;
}

/** Runs looked at in one transaction: their rows stay locked until it ends. */
const longestBatch = 20;

export interface ClaimOptions {
  readonly instanceId: InstanceId;
  /** Free slots of the instance. */
  readonly free: number;
  readonly runningOfSlot: (key: string) => number;
  readonly exclusions: Exclusions;
  readonly firstHeartbeats: FirstHeartbeats;
}

/** Inside one transaction: pick the best queued runs that have a slot, check them once more, and make them ours. */
export async function claimRuns(
  dependencies: SupervisorDependencies,
  unit: UnitOfWork,
  options: ClaimOptions,
): Promise<ClaimPass> {
  const { adapters, settings } = dependencies;
  const { exclusions } = options;
  const limit = Math.min(longestBatch, options.free);
  const candidates = await unit.tx.selectClaimable({
    now: unit.now,
    limit,
    ageingMs: settings.priorityAgeingMs,
    excludeAgentIds: [...exclusions.agentIds],
    excludeAdapterTypes: [...exclusions.adapterTypes],
    excludePlacements: exclusions.placements,
  });
  if (candidates.length === 0) return { started: [], senseless: [], hasMore: false };
  const agents = await lockSlots(unit, candidates, dependencies.isOnlyInstance ?? false);
  const slots = createClaimSlots({
    adapters,
    free: options.free,
    runningOfAgent: await unit.tx.countRunningByAgent([...agents.keys()]),
    runningOfSlot: options.runningOfSlot,
    agentDefault: settings.agentMaxConcurrentRuns,
    exclusions,
  });
  const chosen: ChosenRun[] = [];
  const senseless: { run: Run; reason: string }[] = [];
  for (const run of candidates) {
    const agent = agents.get(run.agentId) ?? null;
    const issue = run.issueId === null ? null : await unit.tx.getIssue(run.issueId);
    const plan = planClaim({ run, agent, issue });
    if (plan.kind === 'skip' || !agent) {
      senseless.push({ run, reason: plan.kind === 'skip' ? plan.reason : 'the agent does not exist any more' });
      continue;
    }
    const adapter = slots.take(run, agent);
    if (!adapter) continue;
    await options.firstHeartbeats.note(unit, agent);
    chosen.push({ run, agent, issue, adapter });
  }
  return { started: await startAll(unit, options.instanceId, chosen), senseless, hasMore: candidates.length === limit };
}

/**
 * Serialises the counting of an agent's slots between instances (in one, claims follow each other anyway). By a key and not by the agent's row: rows of runs are
 * locked already, and the order is agent before run.
 */
async function lockSlots(unit: UnitOfWork, candidates: readonly Run[], isOnlyInstance: boolean): Promise<Map<AgentId, Agent>> {
  const companyOf = new Map(candidates.map((run) => [run.agentId, run.companyId]));
  const agents = new Map<AgentId, Agent>();
  for (const [agentId, companyId] of [...companyOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isOnlyInstance) await unit.tx.lockIdempotencyKey(companyId, `slots of agent ${agentId}`);
    const agent = await unit.tx.getAgent(agentId);
    if (agent) agents.set(agentId, agent);
  }
  return agents;
}

interface ChosenRun {
  readonly run: Run;
  readonly agent: Agent;
  readonly issue: Issue | null;
  readonly adapter: AdapterV1;
}

/** All at once: their statements follow each other without waiting for answers in between. */
async function startAll(unit: UnitOfWork, instanceId: InstanceId, chosen: readonly ChosenRun[]): Promise<Assignment[]> {
  const starting = await Promise.allSettled(chosen.map((each) => start(unit, instanceId, each)));
  // Only when none of them asks the database any more may the transaction end.
  return starting.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function start(unit: UnitOfWork, instanceId: InstanceId, chosen: ChosenRun): Promise<Assignment> {
  const { run } = chosen;
  const { now, tx } = unit;
  // The agent's adapter as it is configured now: an agent may be edited while its run waits.
  const { adapterType } = chosen.agent;
  const patch = {
    phase: 'starting',
    adapterType,
    ownerInstanceId: instanceId,
    ownerEpoch: run.ownerEpoch + 1,
    attempt: run.attempt + 1,
    startedAt: now,
    updatedAt: now,
    deadlineAt: run.timeoutMs === null ? null : new Date(now.getTime() + run.timeoutMs),
  } satisfies RunPatch;
  const [moved, , previousSession] = await Promise.all([
    moveRun(tx, { id: run.id, from: 'queued', ownerEpoch: run.ownerEpoch }, 'running', patch),
    tx.moveWakeup({ id: run.wakeupRequestId, from: ['queued'] }, { status: 'claimed' }, now),
    run.taskKey === null ? null : tx.getAgentSession(run.agentId, adapterType, run.taskKey),
  ]);
  // Its row has been locked since it was selected.
  if (moved === 'stale') throw new InternalError(`Run ${run.id} changed while it was locked to be claimed.`);
  const claimedRun: Run = { ...run, ...patch, status: 'running' };
  unit.runEvent(run, {
    type: 'run-started',
    level: 'info',
    message: `Started after waiting ${now.getTime() - run.createdAt.getTime()} ms.`,
    data: { attempt: patch.attempt, instanceId, adapterType },
  });
  unit.liveEvent(run.companyId, 'run-started', runLiveData(claimedRun));
  return { ...chosen, run: claimedRun, previousSession, mode: 'execute', hasEnded: false };
}

/** Marks an agent's first run ever, once. */
export interface FirstHeartbeats {
  note(unit: UnitOfWork, agent: Agent): Promise<void>;
}
