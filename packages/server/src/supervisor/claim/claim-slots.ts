import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { Agent, AgentId, Run, RunPlacement } from '../model/index.js';
import type { AdapterCatalog } from '../ports/index.js';

/** Who cannot take a run in this pass; the store leaves them out of its next answer. */
export interface Exclusions {
  readonly agentIds: Set<AgentId>;
  readonly adapterTypes: Set<string>;
  readonly placements: RunPlacement[];
}

export function noExclusions(): Exclusions {
  return { agentIds: new Set(), adapterTypes: new Set(), placements: [] };
}

/** Slots per agent, adapter and instance while one pass hands them out. */
export interface ClaimSlots {
  /** A slot for this run, or null; what has no slot is excluded from the rest of the pass. */
  take(run: Run, agent: Agent): AdapterV1 | null;
}

export function createClaimSlots(options: {
  readonly adapters: AdapterCatalog;
  /** Free slots of the instance. */
  readonly free: number;
  readonly runningOfAgent: ReadonlyMap<AgentId, number>;
  readonly runningOfAdapter: (adapterType: string) => number;
  readonly agentDefault: number;
  readonly exclusions: Exclusions;
}): ClaimSlots {
  const { exclusions } = options;
  const takenOfAgent = new Map<AgentId, number>();
  const takenOfAdapter = new Map<string, number>();
  let free = options.free;
  return {
    take(run, agent) {
      if (free <= 0) return null;
      const { placement } = run.contextSnapshot;
      const lookup = options.adapters.find(agent.adapterType, placement);
      if (!lookup.found) {
        // A place that is away blocks its own runs, not those of its adapter type elsewhere.
        if (placement) exclusions.placements.push(placement);
        else exclusions.adapterTypes.add(run.adapterType);
        return null;
      }
      const { adapter } = lookup;
      const ofAdapter = options.runningOfAdapter(adapter.type) + (takenOfAdapter.get(adapter.type) ?? 0);
      if (adapter.maxConcurrentRuns !== undefined && ofAdapter >= adapter.maxConcurrentRuns) {
        exclusions.adapterTypes.add(run.adapterType);
        return null;
      }
      const ofAgent = (options.runningOfAgent.get(agent.id) ?? 0) + (takenOfAgent.get(agent.id) ?? 0);
      if (ofAgent >= (agent.runtimeConfig.heartbeat.maxConcurrentRuns || options.agentDefault)) {
        exclusions.agentIds.add(agent.id);
        return null;
      }
      takenOfAgent.set(agent.id, (takenOfAgent.get(agent.id) ?? 0) + 1);
      takenOfAdapter.set(adapter.type, (takenOfAdapter.get(adapter.type) ?? 0) + 1);
      free -= 1;
      return adapter;
    },
  };
}
