import type { AgentId } from '../model/index.js';
import type { Telemetry } from '../ports/index.js';
import type { FirstHeartbeats } from './claim-runs.js';

/** Agents remembered as seen, so that a run costs no extra read; forgetting one costs one read. */
const remembered = 10_000;

/** Marks an agent's first run in its runtime state and tells telemetry its role, after the commit. */
export function createFirstHeartbeats(telemetry: Telemetry): FirstHeartbeats {
  const known = new Set<AgentId>();
  return {
    async note(unit, agent) {
      if (known.has(agent.id)) return;
      const state = await unit.tx.getAgentRuntimeState(agent.id);
      const isFirst = !state?.firstHeartbeatAt;
      if (isFirst)
        await unit.tx.updateAgentRuntimeState(agent, { set: { firstHeartbeatAt: unit.now, lastHeartbeatAt: unit.now } });
      unit.afterCommit(() => {
        if (known.size >= remembered) known.clear();
        known.add(agent.id);
        if (isFirst) telemetry.track({ name: 'agent.first_heartbeat', role: agent.role });
      });
    },
  };
}
