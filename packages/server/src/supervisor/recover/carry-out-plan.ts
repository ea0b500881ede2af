import { type AdapterV1, assertNever } from '@runbeat/adapter-sdk';
import type { Assignment } from '../execute/execution-host.js';
import { prepareRun } from '../execute/prepare-run.js';
import { stopByHandle } from '../execute/stop-by-handle.js';
import type { Agent, Run, RunPatch } from '../model/index.js';
import { settleRun } from '../settle/settle-run.js';
import { cancelledSettlement, failedSettlement, type Settlement, timedOutSettlement } from '../settle/settlement.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { adoptRun } from './adopt-run.js';
import type { RecoveryPlan } from './plan-recovery.js';
import type { RecoveryHost, RecoveryOutcome } from './recovery-host.js';

/** A run that is looked at, with what belongs to it. */
export interface Suspect {
  readonly run: Run;
  readonly agent: Agent;
  readonly adapter: AdapterV1 | null;
}

/** Does what was planned: first the row, by compare-and-set, then the world outside. */
export async function carryOut(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  suspect: Suspect,
  plan: RecoveryPlan,
): Promise<RecoveryOutcome> {
  switch (plan.kind) {
    case 'keep':
      return keep(dependencies, host, suspect.run, plan);
    case 'confirm_gone':
      return 'kept';
    case 'reattach':
      return reattach(dependencies, host, suspect, plan);
    case 'restart':
      return restart(dependencies, host, suspect, plan);
    case 'stop':
    case 'lose':
      return end(dependencies, host, suspect, plan);
    default:
      return assertNever(plan, 'recovery plan');
  }
}

async function keep(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  run: Run,
  plan: Extract<RecoveryPlan, { kind: 'keep' }>,
): Promise<RecoveryOutcome> {
  const now = dependencies.clock.now();
  const execution = host.activeRuns.get(run.id);
  const change: RunPatch = {
    nextProbeAt: plan.lookAgainAt,
    ...(plan.finding === 'alive' ? { updatedAt: now, unknownSince: null } : {}),
    ...(plan.finding === 'unknown' ? { unknownSince: run.unknownSince ?? now } : {}),
  };
  if (plan.detachedProcess && run.phase !== 'detached') {
    const { pid, host: hostName } = plan.detachedProcess;
    const message = `The server that started process ${pid} is gone; the process lives on ${hostName}, but its output can no longer be read.`;
    const adopted = await adoptRun(
      dependencies,
      run,
      host.lease.instanceId(),
      { ...change, phase: 'detached', warning: { code: 'process_detached', message, at: now.toISOString() } },
      { type: 'process_detached', level: 'warn', message },
    );
    if (!adopted) return 'stale';
    host.unfollowed.add(run.id);
    return 'kept';
  }
  if (plan.finding === 'unknown' && run.unknownSince === null) {
    const event = {
      type: 'recovery-waits',
      level: 'warn',
      message: `Nothing can be found out about this run just now: ${plan.why}`,
      at: now,
    } as const;
    const answer = await dependencies.store.transaction(async (tx) => {
      const patched = await tx.patchRun({ id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' }, change);
      if (patched === 'moved') await tx.appendRunEvents(run, [event]);
      return patched;
    });
    return answer === 'stale' ? 'stale' : 'kept';
  }
  if (execution && plan.finding === 'alive') execution.reportActivity();
  if (plan.finding === 'nothing_new' && plan.lookAgainAt === null) return 'kept';
  const answer = await dependencies.store.transaction((tx) =>
    tx.patchRun({ id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' }, change),
  );
  return answer === 'stale' ? 'stale' : 'kept';
}

async function reattach(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  { run, agent, adapter }: Suspect,
  plan: Extract<RecoveryPlan, { kind: 'reattach' }>,
): Promise<RecoveryOutcome> {
  if (!adapter) return 'kept';
  const adopted = await adoptRun(
    dependencies,
    run,
    host.lease.instanceId(),
    {
      phase: 'reattaching',
      updatedAt: dependencies.clock.now(),
      unknownSince: null,
      nextProbeAt: null,
      instanceDeathCount: run.instanceDeathCount + (plan.countsAsDeath ? 1 : 0),
    },
    {
      type: 'run-reattached',
      level: 'info',
      message: plan.isEnded
        ? 'The work ended while nobody followed it; its last output is being fetched.'
        : 'The work is alive and is being followed again.',
    },
  );
  if (!adopted) return 'stale';
  await begin(dependencies, host, { run: adopted, agent, adapter }, 'reattach', plan.isEnded);
  return 'followed';
}

async function restart(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  { run, agent, adapter }: Suspect,
  plan: Extract<RecoveryPlan, { kind: 'restart' }>,
): Promise<RecoveryOutcome> {
  if (!adapter) return 'kept';
  const adopted = await adoptRun(
    dependencies,
    run,
    host.lease.instanceId(),
    {
      phase: 'starting',
      updatedAt: dependencies.clock.now(),
      attempt: run.attempt + 1,
      instanceDeathCount: run.instanceDeathCount + (plan.countsAsDeath ? 1 : 0),
    },
    { type: 'run-restarted', level: 'warn', message: 'The server died before the work was started; it is started again.' },
  );
  if (!adopted) return 'stale';
  host.unfollowed.add(adopted.id);
  const stopped = await endWork(dependencies, { run: adopted, agent, adapter }, 'lost');
  // Whether something was started could not be found out; the sweep asks again, and the run waits.
  if (!stopped) return 'kept';
  host.unfollowed.delete(adopted.id);
  await begin(dependencies, host, { run: adopted, agent, adapter }, 'execute');
  return 'followed';
}

async function begin(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  suspect: { readonly run: Run; readonly agent: Agent; readonly adapter: AdapterV1 },
  mode: Assignment['mode'],
  hasEnded = false,
): Promise<void> {
  const { run } = suspect;
  const [issue, previousSession] = await dependencies.store.transaction(async (tx) => [
    run.issueId === null ? null : await tx.getIssue(run.issueId),
    run.taskKey === null || mode === 'reattach' ? null : await tx.getAgentSession(run.agentId, run.adapterType, run.taskKey),
  ]);
  host.unfollowed.delete(run.id);
  host.begin({ ...suspect, issue, previousSession, mode, hasEnded });
}

/** Ours first, then ended, then closed: whoever adopts second finds the epoch gone and does nothing. */
async function end(
  dependencies: SupervisorDependencies,
  host: RecoveryHost,
  suspect: Suspect,
  plan: Extract<RecoveryPlan, { kind: 'stop' | 'lose' }>,
): Promise<RecoveryOutcome> {
  const { run } = suspect;
  const isEndedFirst = plan.kind === 'stop' || plan.isEndedFirst;
  let owned = run;
  if (isEndedFirst) {
    const adopted = await adoptRun(
      dependencies,
      run,
      host.lease.instanceId(),
      { phase: 'stopping' },
      { type: 'run-stopping', level: 'warn', message: plan.message },
    );
    if (!adopted) return 'stale';
    owned = adopted;
    host.activeRuns.get(run.id)?.stop({ kind: 'fenced' });
    host.unfollowed.add(run.id);
    if (!(await endWork(dependencies, { ...suspect, run: owned }, plan.kind === 'stop' ? plan.status : 'lost'))) return 'kept';
  }
  const answer = await settleRun(dependencies, owned, settlementFromPlan(plan));
  host.unfollowed.delete(run.id);
  host.onSettled(answer);
  return answer.outcome === 'moved' ? 'settled' : 'stale';
}

function settlementFromPlan(plan: Extract<RecoveryPlan, { kind: 'stop' | 'lose' }>): Settlement {
  if (plan.kind === 'lose') return failedSettlement(plan.code, plan.message, { retry: plan.retry });
  return plan.status === 'cancelled' ? cancelledSettlement(plan.message) : timedOutSettlement(plan.message);
}

async function endWork(dependencies: SupervisorDependencies, { run, agent, adapter }: Suspect, reason: string): Promise<boolean> {
  // A config that cannot be resolved just now must not keep work alive: most adapters end it by the handle alone.
  const preparation = adapter ? await prepareRun(dependencies, run, agent, adapter) : null;
  const config = preparation?.ok ? preparation.prepared.config : agent.adapterConfig;
  const answer = await stopByHandle(dependencies, {
    run,
    adapter,
    config,
    reason,
    graceMs: dependencies.settings.terminateGraceMs,
  });
  if (!answer.done)
    dependencies.logger.warn(
      { runId: run.id, problem: answer.message },
      'work could not be ended, trying again with the next sweep',
    );
  return answer.done;
}
