import type { Json } from '@runbeat/adapter-sdk';
import {
  type AgentPatch,
  appendActivity,
  createAgent,
  deleteAgent,
  type Executor,
  keepAnswer,
  type NewAgent,
  patchAgent,
} from '../../db/index.js';
import { appendLiveEvents } from '../../db/run-store/event-statements.js';
import { type Caller, requesterOf } from '../../security/caller.js';
import type { Agent, AgentStatus, AnswerOf } from '../../supervisor/model/index.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { ServerServices } from '../services.js';

/** Changes of agents, each in one transaction with the line of the activity log and the live event that tell of it. */
export interface AgentChanges {
  /** With `answerOf`: rejects with `idempotency_in_progress` when an answer is kept under the key already. */
  create(caller: Caller, agent: NewAgent, answerOf: AnswerOf<Agent>): Promise<Agent>;
  /** Rejects with `agent_not_found` when it was deleted in between. */
  update(caller: Caller, agent: Agent, patch: AgentPatch): Promise<Agent>;
  setStatus(caller: Caller, agent: Agent, status: AgentStatus, reason: string | null): Promise<Agent>;
  /** Rejects with `agent_has_active_runs`. */
  remove(caller: Caller, agent: Agent): Promise<void>;
}

export function agentChanges(services: Pick<ServerServices, 'database' | 'clock' | 'liveFeed'>): AgentChanges {
  const { database, clock, liveFeed } = services;

  const record = async (executor: Executor, caller: Caller, agent: Agent, action: string, data: Json): Promise<void> => {
    const now = clock.now();
    const { companyId } = agent;
    await appendActivity(
      executor,
      { companyId, actor: requesterOf(caller), action: `agent.${action}`, entityType: 'agent', entityId: agent.id, data },
      now,
    );
    await appendLiveEvents(executor, [
      { companyId, type: `agent-${action}`, data: { agentId: agent.id, name: agent.name, status: agent.status }, at: now },
    ]);
  };
  const patch = async (caller: Caller, agent: Agent, change: AgentPatch, action: string, data: Json): Promise<Agent> => {
    const changed = await database.transaction(async (executor) => {
      const row = await patchAgent(executor, agent.id, change, clock.now());
      if (row !== null) await record(executor, caller, row, action, data);
      return row;
    });
    if (changed === null) throw new HttpProblem('agent_not_found', `There is no agent with the id ${agent.id} any more.`);
    liveFeed.eventsCommitted(agent.companyId);
    return changed;
  };

  return {
    async create(caller, input, answerOf) {
      const agent = await database.transaction(async (executor) => {
        const created = await createAgent(executor, input, clock.now());
        await record(executor, caller, created, 'created', { adapterType: created.adapterType });
        if (answerOf !== null) await keepAnswer(executor, answerOf(created), clock.now());
        return created;
      });
      liveFeed.eventsCommitted(agent.companyId);
      return agent;
    },
    update: (caller, agent, change) => patch(caller, agent, change, 'updated', { fields: Object.keys(change) }),
    setStatus: (caller, agent, status, reason) =>
      patch(caller, agent, { status, statusReason: reason }, status === 'paused' ? 'paused' : 'resumed', { reason }),
    async remove(caller, agent) {
      const result = await deleteAgent(database, agent.id, clock.now());
      if (result.outcome === 'not_found') {
        throw new HttpProblem('agent_not_found', `There is no agent with the id ${agent.id} any more.`);
      }
      if (result.outcome === 'active_runs') {
        throw new HttpProblem('agent_has_active_runs', `Runs of the agent are queued or running: ${result.runIds.join(', ')}.`, {
          evidence: { runIds: [...result.runIds] },
        });
      }
      await database.transaction((executor) => record(executor, caller, agent, 'deleted', null));
      liveFeed.eventsCommitted(agent.companyId);
    },
  };
}
