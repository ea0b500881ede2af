import type { RunResultV1 } from '@runbeat/adapter-sdk';
import type { AgentId, AgentRuntimeState, Run } from '../model/index.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';

/** A run as it ended, and what its adapter reported. */
export interface Outcome {
  readonly run: Run;
  readonly result: RunResultV1 | null;
}

/** What the runs of one agent that end together add to its totals, and the last of them. */
interface AgentOutcome {
  readonly run: Run;
  readonly add: Required<Pick<AgentRuntimeState, 'totalRuns' | 'totalInputTokens' | 'totalOutputTokens' | 'totalCostUsd'>>;
}

/**
 * Sessions and agent states. The last thing of a settling transaction, and in the order of the agents: whoever else
 * settles a run of the agent waits for its row until the commit.
 */
export async function rememberOutcomes(unit: UnitOfWork, outcomes: readonly Outcome[]): Promise<void> {
  const agents = new Map<AgentId, AgentOutcome>();
  for (const outcome of outcomes) {
    const { agentId } = outcome.run;
    agents.set(agentId, addOutcome(agents.get(agentId) ?? null, outcome));
    await rememberSession(unit, outcome);
  }
  for (const [id, { run, add }] of [...agents].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const set = { lastRunId: run.id, lastRunStatus: run.status, lastErrorCode: run.errorCode, lastHeartbeatAt: unit.now };
    await unit.tx.updateAgentRuntimeState({ id, companyId: run.companyId }, { set, add });
  }
}

function addOutcome(before: AgentOutcome | null, { run, result }: Outcome): AgentOutcome {
  return {
    run,
    add: {
      totalRuns: (before?.add.totalRuns ?? 0) + 1,
      totalInputTokens: (before?.add.totalInputTokens ?? 0) + reported(result?.usage?.inputTokens),
      totalOutputTokens: (before?.add.totalOutputTokens ?? 0) + reported(result?.usage?.outputTokens),
      totalCostUsd: (before?.add.totalCostUsd ?? 0) + reported(result?.costUsd),
    },
  };
}

/** An adapter that reports not-a-number must not spoil what other runs add. */
function reported(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}

async function rememberSession(unit: UnitOfWork, { run, result }: Outcome): Promise<void> {
  const session = result?.session;
  if (run.taskKey === null || session === undefined) return;
  await unit.tx.putAgentSession(
    {
      companyId: run.companyId,
      agentId: run.agentId,
      adapterType: run.adapterType,
      taskKey: run.taskKey,
      value: session,
      runId: run.id,
    },
    unit.now,
  );
}
