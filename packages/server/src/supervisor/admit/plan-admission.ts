import type { Agent, Issue, Run, RunId, RunStatus, WakeupSource } from '../model/index.js';

/** What an admission must know; read under the issue's lock, for timers under the agent's. */
export interface AdmissionFacts {
  readonly source: WakeupSource;
  readonly agent: Pick<Agent, 'name' | 'status' | 'statusReason' | 'runtimeConfig'>;
  readonly issue: Pick<Issue, 'status'> | null;
  /** The active run that holds the issue's execution lock; null = free, or no issue. */
  readonly lockHolder: { readonly runId: RunId; readonly status: RunStatus } | null;
  /** A queued run of the same agent and issue (timer: of the same agent), into which the wake could be folded. */
  readonly queuedRun: Run | null;
  /** The wake brings a config, a place or a limit of its own and must not be mixed with another. */
  readonly isDistinct: boolean;
}

export type AdmissionPlan =
  | { readonly kind: 'queue' }
  | { readonly kind: 'coalesce'; readonly into: Run; readonly reason: string }
  | { readonly kind: 'defer'; readonly reason: string }
  | { readonly kind: 'skip'; readonly reason: string };

/** Why this wake makes no sense for this agent and issue; null when it does. Also asked when a run is claimed. */
export function reasonToSkip(facts: Pick<AdmissionFacts, 'agent' | 'issue' | 'source'>): string | null {
  const { agent, issue, source } = facts;
  if (agent.status !== 'active') {
    const why = agent.statusReason === null ? '' : `: ${agent.statusReason}`;
    return `agent ${agent.name} is ${agent.status === 'paused' ? 'paused' : 'in status error'}${why}`;
  }
  if (source === 'timer' && !agent.runtimeConfig.heartbeat.enabled) return `timer wakes of agent ${agent.name} are off`;
  if (issue && (issue.status === 'done' || issue.status === 'cancelled')) return `the issue is ${issue.status}`;
  return null;
}

/** Queue, fold into a queued run, wait for the issue's lock, or skip. */
export function planAdmission(facts: AdmissionFacts): AdmissionPlan {
  const skipped = reasonToSkip(facts);
  if (skipped !== null) return { kind: 'skip', reason: skipped };
  const { agent, source, queuedRun, lockHolder } = facts;
  if (source !== 'timer' && !agent.runtimeConfig.heartbeat.wakeOnDemand) {
    return { kind: 'skip', reason: `agent ${agent.name} takes timer wakes only (wakeOnDemand is off)` };
  }
  if (queuedRun && !facts.isDistinct) {
    return { kind: 'coalesce', into: queuedRun, reason: `run ${queuedRun.id} is queued for the same work already` };
  }
  if (lockHolder) {
    const state = lockHolder.status === 'queued' ? 'queued' : 'working';
    // A deferred wake is stored without them, and running it as something else would be worse than not running it.
    if (facts.isDistinct) {
      return {
        kind: 'skip',
        reason: `run ${lockHolder.runId} is ${state} on the issue, and a wake with a config, place or limit of its own cannot wait for it; try again when it ended`,
      };
    }
    return { kind: 'defer', reason: `run ${lockHolder.runId} is ${state} on the issue; this wake follows when it ends` };
  }
  return { kind: 'queue' };
}
